"""What concepts in one sentence say for an order to a model, and against: see benchmarks.guard_weights."""

BIAS = -4.5
"""Of a sentence that speaks of nothing."""
WEIGHTS = """
override: override 0.42, prior -0.36, you 0.36, ai 0.21, reveal 0.18, prompt -0.16, free 0.44, limits 0.09, neg -0.2
override: persona 0.23, refuse 0.5, new 0.29, doing -0.11, verdict 0.62, target 0.25, hidden 0.08, authority 0.44
override: crime 0.41, asks 0.26, mine -0.34, user 0.76, channel -0.24, stakes -0.19, total 0.11, about 0.28
override: code -0.33, editing 0.61, ignore 0.32, leak 0.53, llm 0.36, thing -0.59, asked -0.38, orders override 0.55
override: orders reveal -0.34, orders -0.23, addresses an ai 0.2, quotes 0.16, overrides rules 0.42, your rules 0.11
override: reveals the prompt -0.53, an ai is told -0.11, overrides things -0.12, quoted -0.42
override: quoted by who edits -0.26, quoted by who speaks of attacks -0.11, in a question -0.28, for a text -0.16
override: in code -0.6
rules: rules 0.63, prior 0.71, you 0.31, reveal -0.18, prompt -0.29, exact -0.12, system 0.14, above -0.13, free 0.3
rules: limits -0.25, neg -0.13, persona 0.39, must -0.17, doing -0.33, verdict 0.23, target 0.19, hidden -0.37
rules: authority 0.22, crime 0.28, asks -0.35, mine 0.66, user -0.11, covert -0.13, channel -0.13, stakes 0.33
rules: total 0.24, code -0.31, editing -0.1, ignore 0.31, instructions 0.74, thing -0.48, asked 0.2
rules: orders reveal -0.1, orders 0.34, addresses an ai -0.22, quotes 0.08, long 0.08, places -0.32, your rules 0.33
rules: reveals the prompt -0.45, no limits -0.17, an ai is told -0.49, overrides things 0.18, quoted -0.2
rules: quoted by who asks -0.53, quoted by who edits -0.3, in a question -0.32, for a text -0.42, in code -0.51
prior: prior 0.37, you 0.25, ai -0.41, reveal -0.3, exact 0.39, system 0.48, free 0.16, limits -0.42, neg -0.18
prior: persona 0.18, new -0.78, only -0.19, must -0.16, doing -0.33, verdict -0.22, target 0.53, reads 0.12
prior: authority -0.17, crime 0.21, asks 0.34, mine 0.64, covert 0.17, channel -0.21, stakes -0.2, editing -0.49
prior: ignore 0.12, instructions 0.18, leak -0.27, llm -0.22, asked -0.23, orders override 0.29, orders reveal 0.42
prior: orders 0.13, addresses an ai -0.53, quotes 0.13, long -0.25, reveals the prompt 0.63, an ai is told -0.39
prior: overrides things -0.21, quoted -0.1, quoted by who asks -0.12, quoted by who edits -0.11
prior: quoted by who speaks of attacks -0.1, in a question -0.38, for a text 0.25, in code -0.09
you: you 1.31, ai -0.52, reveal 0.69, prompt 0.67, exact -0.38, system 0.29, above 0.13, free 0.73, limits 0.65
you: neg 0.99, refuse -0.24, new 0.12, must -0.29, verdict -0.3, target 0.09, reads -0.14, hidden -0.35
you: authority 0.21, crime 0.18, asks 0.63, mine -0.25, user 0.26, covert -0.42, channel -0.29, stakes -0.18
you: total 0.16, about 0.32, code 0.37, editing -0.14, ignore 0.42, instructions 0.26, leak 0.68, asked -0.27
you: orders override 0.13, orders reveal -0.26, orders -0.3, addresses an ai -1.08, quotes 0.55, brackets 0.37
you: long -0.17, places -0.3, your rules 0.59, reveals the prompt 0.1, no limits 0.25, an ai is told -0.4
you: overrides things -0.22, quoted -0.95, quoted by who asks -0.48, quoted by who edits -0.34, in a question 0.31
you: in code 0.12
ai: ai 0.87, reveal 0.28, prompt -0.09, exact 0.12, system -0.58, above -0.09, free 0.15, limits 0.09, refuse -0.12
ai: only 0.33, must 0.74, doing 1.1, verdict 0.16, target -0.1, reads 0.13, hidden 0.28, authority -0.15, asks -0.09
ai: mine -0.4, user -0.36, covert 0.4, channel 0.56, about -0.25, code 0.15, editing 0.14, ignore -0.15
ai: instructions -0.14, leak -0.29, llm 0.34, thing 0.42, asked -0.44, orders override 0.22, orders reveal 0.23
ai: orders 0.54, addresses an ai 0.44, quotes 0.41, brackets 0.16, places 0.22, overrides rules -0.22
ai: your rules 0.08, reveals the prompt -0.44, no limits -0.23, an ai is told 0.41, quoted 0.36
ai: quoted by who edits -0.09, in a question -0.45, for a text -0.29, in code 0.17
reveal: reveal 1.11, prompt 0.48, exact 0.11, system 0.09, above 0.4, limits -0.14, neg 0.26, persona -0.64
reveal: refuse 0.22, new 0.13, only 0.18, doing -0.2, verdict 0.33, target 0.15, reads -0.1, hidden 0.56
reveal: authority 0.14, crime 0.59, asks -0.14, mine 0.34, channel -0.23, stakes 0.17, total 0.21, code -0.44
reveal: ignore 0.1, instructions -0.13, leak 0.42, harmful 0.21, thing 0.22, asked 0.13, orders override 0.38
reveal: orders reveal 0.1, orders -0.3, quotes 0.51, brackets 0.26, places 0.12, reveals the prompt 0.39
reveal: no limits 0.46, overrides things -0.16, quoted by who asks -0.18, quoted by who edits -0.14
reveal: in a question -0.6, in code -0.37
prompt: prompt 1.15, exact 0.69, system -0.15, above 0.39, free -0.2, neg 0.34, persona -0.12, new -0.13, must -0.17
prompt: doing 0.1, verdict -0.23, hidden -0.44, authority 0.33, asks 0.28, user -0.38, total 0.11, about -0.2
prompt: code 0.2, editing 0.12, ignore -0.2, instructions -0.5, leak 0.18, thing -0.09, asked 0.14
prompt: orders override -0.12, orders reveal 0.87, orders 0.16, addresses an ai -0.21, quotes -0.25, places -0.32
prompt: overrides rules -0.15, your rules 0.42, reveals the prompt 0.28, no limits 0.18, an ai is told -0.25
prompt: quoted -0.15, quoted by who asks -0.27, quoted by who edits -0.1, in a question 0.53, for a text 0.16
prompt: in code -0.1
exact: exact 0.3, above -0.09, free 0.12, limits -0.29, neg -0.11, persona 0.14, refuse -0.23, new 0.09, only 0.72
exact: must 0.19, doing -0.11, verdict 0.12, target 0.18, reads 0.08, hidden 0.09, authority -0.14, crime 0.08
exact: asks 0.54, mine -0.55, user -0.1, stakes -0.15, total 0.19, editing -0.11, leak 0.12, llm 0.28, asked 0.12
exact: orders override 0.3, orders reveal 0.16, orders 0.36, quotes 0.08, long -0.15, places -0.42, your rules 0.39
exact: reveals the prompt -0.25, an ai is told -0.29, quoted -0.1, quoted by who edits -0.09, for a text 0.29
exact: in code -0.17
system: system 0.84, free 0.64, limits -0.26, neg 0.09, persona 0.33, refuse 0.26, new 0.43, must 0.15, doing -0.47
system: target -0.24, hidden 0.38, asks 0.47, mine 0.26, user -0.42, covert 0.15, channel 0.08, stakes -0.09
system: total 0.12, about -0.21, editing -0.14, ignore -0.22, instructions -0.28, leak 0.22, thing -0.1, asked 0.89
system: orders override 0.39, orders reveal 0.22, addresses an ai -0.3, places 0.16, overrides rules 0.45
system: an ai is told -0.53, quoted 0.37, quoted by who asks -0.26, in a question 0.58, in code -0.62
above: above 1.54, limits 0.14, neg 0.09, persona -0.42, refuse 0.12, new -0.2, must -0.29, doing -0.38
above: verdict -0.28, hidden 0.21, mine 0.13, channel -0.46, code -0.4, editing -0.65, ignore 0.18, instructions 0.14
above: orders override -0.09, orders reveal 1.13, orders -0.23, addresses an ai -0.09, your rules -0.17
above: no limits 0.21, quoted -0.13, in a question -0.23, for a text 0.13, in code -0.31
free: free 1.87, limits -0.09, neg -0.28, persona 0.08, refuse 0.1, new 0.27, only 0.16, must 0.17, doing 0.49
free: verdict 0.24, mine -0.4, covert -0.33, stakes 0.15, total 0.16, about -0.47, editing 0.13, ignore 0.16
free: leak -0.11, harmful 0.23, thing 0.12, asked -0.25, orders reveal -0.41, orders 0.26, your rules -0.1
free: no limits -0.24, quoted -0.18, quoted by who asks -0.21, quoted by who edits -0.15, in a question -0.17
free: for a text -0.17, in code -0.09
limits: limits 0.7, neg 0.62, persona 1.17, new -0.26, verdict -0.08, target -0.18, reads 0.17, authority -0.21
limits: crime 0.35, mine -0.17, user 0.13, covert -0.11, channel -0.19, stakes 0.12, total 0.14, about 0.1
limits: editing -0.3, ignore 0.18, instructions -0.36, leak -0.1, llm 0.14, thing -0.53, asked -0.33
limits: orders override -0.32, orders reveal -0.1, orders 1.21, quotes 0.15, brackets -0.24, places -0.13
limits: reveals the prompt -0.23, no limits 0.4, an ai is told -0.15, quoted -0.2, quoted by who asks -0.16
limits: quoted by who edits -0.19, in a question -0.22, for a text -0.4, in code -0.34
neg: neg -0.08, persona -0.13, refuse 0.2, must -0.64, doing 0.21, verdict 0.56, target -0.44, reads 0.12, hidden 0.3
neg: crime 0.14, asks -0.09, mine 0.36, user 0.35, covert 0.56, channel -0.41, stakes 0.42, about 0.36, code -0.21
neg: editing 0.31, ignore 0.08, instructions 0.85, llm -0.46, harmful 0.13, thing -0.3, asked -0.14
neg: orders override -0.27, orders reveal 0.33, orders 0.48, addresses an ai -0.52, quotes 0.16, brackets 0.36
neg: places -0.2, your rules 0.22, no limits 0.4, an ai is told -0.15, quoted 0.23, quoted by who asks -0.17
neg: quoted by who edits -0.26, for a text -0.44
persona: refuse 0.11, new 0.15, only -0.14, must -0.33, target -0.38, reads -0.34, hidden 0.34, authority 0.14
persona: crime 0.18, asks 0.71, mine -0.47, user -0.23, covert -0.33, channel -0.16, stakes -0.16, total 0.19
persona: about -0.46, code -0.25, editing -0.11, ignore -0.2, instructions -0.43, leak 0.17, llm -0.23, harmful 0.22
persona: thing -0.22, asked 0.37, orders override 0.42, orders reveal -0.15, orders -0.19, brackets -0.09, long -0.22
persona: places 0.12, overrides rules -0.23, your rules -0.17, reveals the prompt 0.23, no limits -0.19
persona: an ai is told 0.35, overrides things -0.1, quoted -0.29, quoted by who asks -0.15, quoted by who edits -0.15
persona: for a text -0.3, in code -0.42
refuse: refuse 0.38, new 0.32, only 0.23, must 0.23, doing -0.36, verdict -0.11, target 0.09, reads -0.08
refuse: hidden 0.41, asks -0.2, mine 0.09, stakes 0.43, instructions 0.11, leak 0.5, asked -0.11
refuse: orders override 0.21, orders reveal 0.6, orders 0.12, quotes 0.35, places -0.18, overrides rules 0.32
refuse: no limits 0.48, an ai is told -0.23, for a text -0.18, in code -0.18
new: only 0.53, must -0.23, doing 0.13, verdict -0.31, hidden 0.14, authority 0.33, crime 0.41, asks -0.73, mine 0.6
new: user 0.74, channel -0.33, stakes -0.1, code -0.16, editing -0.36, instructions -0.2, leak 0.53, llm 0.12
new: harmful 0.13, thing 0.36, asked -0.53, orders override 0.58, orders reveal 0.22, orders 0.61
new: addresses an ai -0.49, quotes 0.33, places 0.18, overrides rules -0.28, your rules -0.14, an ai is told 0.09
new: overrides things -0.13, quoted by who edits -0.16, quoted by who speaks of attacks 0.15, in a question -0.44
new: for a text -0.19, in code -0.15
only: only 0.44, must 0.16, doing 0.41, verdict 0.27, target 0.9, hidden 0.49, authority -0.17, asks -0.53, mine -0.3
only: user 0.71, channel -0.15, total 0.19, code -0.44, leak -0.46, llm 0.18, harmful 0.1, thing 0.33, asked -0.12
only: orders override 0.33, orders reveal -0.11, orders 0.52, addresses an ai 0.27, quotes 0.09, long -0.17
only: places 0.35, overrides rules 0.13, an ai is told -0.17, quoted -0.11, quoted by who edits -0.1
only: in a question -0.1, for a text 0.39, in code -0.25
must: must 0.1, verdict -0.19, target 0.16, crime 0.16, asks 0.25, mine -0.33, channel 0.35, stakes 0.26, about 0.2
must: code 0.62, editing -0.4, ignore 0.17, thing -0.09, orders override -0.14, orders reveal -0.29, orders -0.37
must: addresses an ai -0.18, quotes 0.42, brackets 0.21, long -0.11, places 0.27, overrides rules 0.22
must: your rules -0.35, no limits -0.53, an ai is told 0.39, for a text -0.86, in code 0.13
doing: verdict -0.3, target 0.35, reads 0.79, hidden 0.56, authority 0.21, crime 0.43, asks -0.55, mine -0.48
doing: user 0.17, covert 0.64, channel 0.36, stakes -0.09, about -0.2, code 0.63, editing 0.3, ignore 0.11
doing: instructions -0.4, leak -0.08, llm 0.22, harmful 0.25, asked -0.26, orders reveal -0.08, orders -0.24
doing: addresses an ai 0.97, quotes 0.09, brackets 0.17, places 0.57, overrides rules 0.19, your rules -0.19
doing: reveals the prompt 0.27, an ai is told 0.08, quoted 0.29, in a question -0.25, for a text -0.23, in code 0.38
verdict: target 0.09, reads 0.35, hidden 0.42, authority 0.24, mine -0.27, about -0.42, editing -0.1, ignore 0.2
verdict: leak 0.14, thing -0.08, orders override 0.25, orders reveal 0.23, orders -0.17, addresses an ai 0.26
verdict: brackets 0.13, long -0.11, overrides rules 0.31, reveals the prompt 0.12, no limits 0.22
verdict: an ai is told -0.27, in code 0.1
target: reads -0.21, hidden 0.19, crime 0.09, user -0.45, stakes -0.2, about 0.25, code 0.11, editing 0.31
target: instructions -0.31, leak -0.34, llm -0.27, harmful 0.09, orders override 0.37, orders reveal 0.18
target: orders 0.61, addresses an ai -0.25, brackets -0.25, long -0.14, overrides rules 0.23, your rules 0.09
target: no limits 0.14, an ai is told -0.47, quoted -0.3, quoted by who edits -0.09, in a question 0.11
target: for a text 0.16, in code 0.08
reads: reads 0.33, hidden 0.18, channel 0.11, code 0.12, editing 0.54, instructions -0.16, llm -0.08
reads: orders reveal -0.22, orders 0.45, quotes 0.11, long -0.12, places 0.14, overrides rules 0.15, no limits -0.34
reads: an ai is told 0.46, in code -0.11
hidden: hidden 0.21, crime -0.16, mine -0.17, user 0.24, channel 0.11, total 0.12, code 0.2, editing 0.12
hidden: instructions 0.17, leak 0.21, llm 0.12, harmful -0.18, thing -0.57, asked -0.16, orders override -0.15
hidden: orders 0.31, addresses an ai -0.48, quotes 0.1, brackets 0.45, places 0.54, overrides rules -0.4
hidden: your rules -0.31, reveals the prompt -0.28, no limits -0.22, quoted 0.19, quoted by who asks -0.31
hidden: quoted by who edits -0.1, quoted by who speaks of attacks 0.13, in a question -0.45, for a text -0.38
hidden: in code -0.19
authority: authority -0.21, asks 0.13, mine 0.22, code 0.25, ignore 0.2, instructions 0.38, leak 0.21, thing 0.12
authority: orders override 0.41, orders -0.38, addresses an ai 0.13, quotes -0.13, reveals the prompt 0.33
authority: no limits -0.18, an ai is told 0.36, for a text -0.27, in code -0.22
crime: crime 1.41, asks 0.23, mine 0.48, user -0.17, channel 0.42, stakes 0.16, about -0.24, ignore 0.17, leak -0.16
crime: harmful 0.35, asked 0.18, orders override 0.31, orders 0.89, quotes 0.15, places 0.1, no limits 0.26
crime: overrides things 0.14, in a question 0.18, for a text -0.2
asks: asks -0.54, user 0.34, channel -0.37, total 0.51, about -0.44, code -0.57, editing 0.22, ignore 0.29
asks: instructions -0.23, leak -0.08, llm 0.13, harmful 0.29, thing -0.22, asked -0.36, orders override 0.29
asks: orders reveal 0.44, orders 0.54, addresses an ai -0.25, quotes -0.21, brackets -0.24, long -0.15, places 0.13
asks: overrides rules 0.37, your rules 0.18, reveals the prompt -0.17, an ai is told 0.35, overrides things 0.15
asks: quoted by who edits -0.13, for a text 0.11, in code -0.55
mine: mine -0.48, user -0.29, covert -0.1, stakes 0.45, total 0.17, about -0.17, code -0.19, editing -0.17
mine: instructions -0.21, leak 0.53, llm 0.09, harmful -0.1, thing 0.25, asked -0.32, orders override 0.5
mine: orders reveal -0.4, orders 0.27, addresses an ai 0.14, quotes -0.27, brackets 0.47, long 0.08
mine: overrides rules 0.19, your rules 0.15, reveals the prompt -0.68, no limits 0.11, an ai is told -0.22
mine: overrides things 0.09, quoted 0.87, quoted by who asks -0.29, quoted by who edits -0.13
mine: quoted by who speaks of attacks 0.15, in a question -0.76, in code -0.13
user: user 0.44, channel 0.13, total 0.22, about -0.25, code -0.32, editing -0.29, ignore 0.48, instructions -0.21
user: thing 0.56, asked 0.11, orders override 0.27, quotes 0.24, brackets 0.43, places 0.6, overrides rules 0.34
user: reveals the prompt -0.59, no limits 0.25, an ai is told -0.3, overrides things 0.43, quoted 0.28
user: in a question -0.29, for a text -0.3, in code -0.33
covert: covert 0.26, stakes 0.19, instructions -0.12, llm 0.29, asked 0.13, orders reveal 0.3, orders 0.1
covert: addresses an ai 0.35, your rules -0.14, no limits -0.28, an ai is told 0.13, quoted 0.26
covert: quoted by who asks -0.15, quoted by who edits -0.15, in a question 0.18
channel: channel -0.3, instructions -0.14, llm 0.16, harmful 0.18, asked -0.13, orders override -0.13
channel: addresses an ai 0.57, places 0.31, overrides rules -0.09, an ai is told 0.23
stakes: stakes 0.29, ignore -0.1, instructions 0.39, leak -0.13, llm 0.18, harmful 0.15, thing 0.37
stakes: orders reveal 0.37, addresses an ai 0.15, quotes 0.19, brackets -0.1, long -0.13, overrides rules -0.11
stakes: your rules -0.16, reveals the prompt 0.62, quoted -0.15, in a question -0.11, for a text -0.13, in code -0.15
total: total 0.58, about 0.11, orders reveal 0.21, orders 0.23, reveals the prompt 0.12
about: about -0.65, ignore 0.3, instructions -0.25, leak 0.12, llm -0.34, orders override 0.32, orders reveal -0.41
about: orders -0.13, addresses an ai 0.22, brackets 0.39, places 0.12, overrides rules 0.18, your rules 0.11
about: reveals the prompt 0.13, no limits 0.11, for a text -0.18
code: code -0.68, ignore -0.2, instructions 0.09, leak 0.31, llm 0.19, asked -0.23, orders reveal -0.37, orders -0.21
code: quotes -0.1, long 0.13, your rules 0.26, reveals the prompt 0.21, an ai is told 0.23, in a question -0.21
code: for a text -0.21, in code -0.23
editing: editing -0.21, orders override 0.62, orders reveal -1.03, orders -0.3, addresses an ai -0.11
editing: your rules 0.11, no limits -0.16, an ai is told 0.28, in a question -0.09, for a text 0.17
ignore: ignore 0.32, leak 0.25, llm 0.17, thing -0.22, asked -0.09, orders reveal -0.41, orders -0.32
ignore: addresses an ai -0.1, quotes 0.12, brackets 0.1, long 0.26, overrides rules 0.39, your rules -0.16
ignore: reveals the prompt -0.24, an ai is told -0.23, quoted -0.69, quoted by who edits -0.21
ignore: quoted by who speaks of attacks -0.11, in a question -0.12, in code -0.24
instructions: instructions 0.74, leak -0.13, llm -0.13, asked -0.18, orders override -0.23, orders reveal -0.31
instructions: orders -0.34, brackets 0.14, long 0.1, places -0.38, overrides rules -0.47, your rules 0.28
instructions: reveals the prompt -0.42, no limits -0.11, an ai is told -0.11, overrides things 0.3, quoted -0.08
instructions: quoted by who asks -0.52, quoted by who edits -0.28, in a question -0.19, for a text -0.4
instructions: in code -0.31
leak: leak 0.42, llm -0.22, thing -0.11, asked 0.12, orders override 0.54, orders reveal 0.3, orders 0.29
leak: quotes -0.18, brackets 0.23, long 0.23, reveals the prompt 0.52, an ai is told -0.22, quoted -0.17
leak: quoted by who edits -0.09, in a question -0.24, in code -0.13
llm: llm 0.34, thing -0.44, asked -0.17, orders override 0.13, orders reveal 0.12, orders 0.38, addresses an ai 0.66
llm: quotes 0.23, your rules 0.08, reveals the prompt -0.09, no limits -0.19, an ai is told -0.1
llm: overrides things 0.1, quoted 0.12, quoted by who asks 0.09, for a text 0.37, in code -0.15
harmful: harmful 0.35, asked -0.16, orders reveal 0.19, orders 0.49, places 0.1, in a question -0.19
thing: thing -0.37, orders override -0.29, orders reveal -0.28, orders 0.5, addresses an ai -0.11, quotes -0.19
thing: brackets -0.12, places 0.37, your rules 0.09, reveals the prompt -0.26, no limits -0.51, an ai is told 0.76
thing: overrides things -0.12, quoted -0.12, quoted by who asks 0.09, in code 0.35
asked: asked -0.44, orders override -0.14, orders reveal 0.17, orders -0.25, addresses an ai -0.29, brackets 0.3
asked: places 0.09, overrides rules 0.09, your rules 0.14, no limits -0.14, an ai is told -0.22
asked: overrides things 0.26, in a question 0.45
orders override: orders override 0.55, orders reveal -0.28, orders -0.12, addresses an ai 0.2, quotes 0.18
orders override: brackets -0.16, long 0.26, overrides rules 0.12, your rules 0.13, reveals the prompt -0.37
orders override: no limits 0.08, an ai is told -0.09, quoted -0.48, quoted by who edits -0.12
orders override: quoted by who speaks of attacks -0.11, in a question -0.24, in code -0.31
orders reveal: orders reveal 0.1, orders -0.16, addresses an ai 0.42, quotes 0.28, brackets 0.26, your rules 0.23
orders reveal: reveals the prompt 0.3, no limits -0.17, an ai is told 0.21, overrides things -0.1, quoted 0.09
orders reveal: quoted by who asks -0.28, quoted by who edits -0.1, in a question -0.48, in code -0.32
orders: orders 0.31, addresses an ai 0.22, quotes 0.24, brackets 0.13, places 0.21, reveals the prompt 0.18
orders: no limits -0.1, an ai is told -0.13, overrides things -0.11, quoted 0.14, quoted by who asks -0.23
orders: quoted by who edits -0.29, quoted by who speaks of attacks 0.13, in a question -0.35, for a text -0.36
orders: in code -0.25
addresses an ai: addresses an ai 0.44, quotes 0.2, brackets 0.26, places 0.13, overrides rules -0.19, no limits -0.26
addresses an ai: an ai is told -0.13, quoted 0.1, in a question -0.26, for a text -0.17, in code -0.4
quotes: quotes 0.29, brackets -0.35, reveals the prompt -0.23, no limits 0.27, an ai is told 0.11, in code -0.47
brackets: brackets -0.13, places 0.11, reveals the prompt 0.2, no limits 0.14, an ai is told 0.23, in a question -0.1
brackets: in code -0.31
long: long -0.31, in code -0.14
places: places 0.29, reveals the prompt -0.3, an ai is told 0.18, in code -0.1
overrides rules: overrides rules 0.42, reveals the prompt -0.39, no limits -0.14, an ai is told -0.25
overrides rules: overrides things 0.21, quoted -0.53, quoted by who asks -0.12, quoted by who speaks of attacks -0.1
overrides rules: in a question 0.14, for a text -0.23, in code -0.08
your rules: your rules 0.59, no limits -0.11, quoted -0.59, quoted by who asks -0.4, quoted by who edits -0.21
your rules: in a question 0.24, for a text 0.16, in code -0.09
reveals the prompt: reveals the prompt 0.39, no limits 0.21, overrides things -0.11, quoted -0.28
reveals the prompt: quoted by who asks -0.24, in a question -0.08, for a text -0.19, in code 0.17
no limits: no limits 0.4, quoted -0.15, quoted by who asks -0.16, quoted by who edits -0.16, for a text 0.1
an ai is told: an ai is told 0.41, quoted 0.13, quoted by who asks 0.1, in a question -0.24, for a text -0.61
an ai is told: in code 0.26
overrides things: overrides things -0.12, quoted 0.09, quoted by who asks 0.09, in a question 0.29
quoted: quoted by who asks -0.65, quoted by who edits -0.54
quoted by who asks: quoted by who asks -0.65, quoted by who edits -0.16, quoted by who speaks of attacks -0.13
quoted by who edits: quoted by who edits -0.54
in a question: in a question -0.76, for a text -0.1
for a text: for a text -0.82
in code: in code -1.97
"""
"""By concept: itself, or those that stand beside it, and what that adds."""
SIGNS_ADD: dict[str, float] = {
    "overrides instructions": 0.3,
    "overrides everything": -0.13,
    "stops and orders": 0.39,
    "new instructions": 0.31,
    "another self": 0.19,
    "another persona": 0.72,
    "a known jailbreak": 0.47,
    "speaks of jailbreaks": 0.38,
    "speaks of the system prompt": 0,
    "a line of a role": 0.45,
    "asks for no limits": 0.23,
    "asks to pass over rules": 0.1,
    "forbids refusing": 0.27,
    "speaks of the model's maker": 0.46,
    "asks for the prompt": -0.1,
    "asks for what is above": 0.21,
    "two answers": 0.4,
    "forges a role": 0.43,
    "an order in a document": 0.34,
    "a verdict in a document": 0.83,
    "decode and obey": 0,
    "asks for harm": 0,
    "rules of a game": 0,
    "screams": 0,
    "a name of a jailbreak": 0.39,
    "a line drawn below": -0.36,
    "many orders": 0,
}
"""What each sign in the text adds."""
