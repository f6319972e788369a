"""What concepts in one sentence say for an order to a model, and against: see benchmarks.guard_weights."""

BIAS = -5.33
"""Of a sentence that speaks of nothing."""
WEIGHTS = """
override: override 1.38, rules 1.17, prior -0.41, you 0.26, reveal -0.18, system 0.14, above 0.28
override: free 0.4, limits 1.04, neg -0.98, new 0.58, verdict 1.01, target 0.15, hidden 0.13, asks 0.18
override: mine -0.15, user 0.62, asked -0.14, orders override 0.34, orders reveal -1.72, orders -0.69
override: quotes -0.17, long 0.22
rules: rules 1.38, prior 0.92, you 0.52, ai -0.28, reveal -0.49, prompt -0.72, exact -0.27, limits -1.17
rules: neg 0.29, persona 0.15, refuse 0.31, only 0.22, doing -0.49, target -0.34, hidden -0.68, authority 1.08
rules: asks -0.27, user -1.94, orders override -0.39, orders 0.17, addresses an ai -0.22, quotes -0.79
rules: brackets -0.25
prior: prior 0.35, ai -0.96, reveal 0.13, prompt 0.19, exact 0.38, system 1.19, limits -0.53, neg -0.49
prior: persona -0.57, refuse 0.89, new -0.63, only -0.75, doing -0.51, verdict -0.2, target 0.61
prior: reads -0.13, mine 0.83, user -0.24, asked -0.2, orders 0.45
you: you 1.73, ai -0.58, reveal 0.83, prompt 1.86, system 0.37, above -0.44, free 1.25, limits 0.53
you: neg 0.89, refuse 0.58, new 0.37, only 0.35, must -0.46, doing -0.16, target -0.14, reads -0.31
you: asks 1.04, mine -0.32, user 1.06, orders reveal 0.36, addresses an ai -1.17, brackets 0.31, long -0.13
ai: ai 1.24, reveal 0.72, prompt -0.75, exact -0.49, system -0.24, limits -0.3, neg 0.46, persona -0.16
ai: refuse -0.34, must 1.58, doing 0.85, target -0.12, reads 1.54, hidden 0.53, asks -0.27, mine -1.2
ai: asked -0.4, orders override -0.42, orders reveal 0.14, orders 0.59, addresses an ai 0.8, quotes 0.45
ai: brackets 0.47
reveal: reveal 1.24, exact 0.2, system 0.64, above 0.33, free 0.36, neg 0.32, persona -0.52, new 0.68
reveal: only 0.2, must -1.3, doing -0.66, verdict 0.42, target 0.32, reads -0.43, hidden 0.16, authority 0.5
reveal: crime 0.39, asks 0.17, user -0.39, asked -0.61, orders override 1.32, orders reveal 0.21
reveal: addresses an ai -0.16, quotes 0.49, brackets 0.65
prompt: prompt 1.56, exact 0.14, neg 0.31, new -0.22, only 0.52, must 0.45, verdict -0.53, authority 0.28
prompt: asks 0.84, mine 0.34, user -0.88, asked 0.16, orders reveal 0.24, addresses an ai -0.56
exact: exact 0.17, above -0.37, limits -0.37, neg 0.33, new 0.21, only 1.21, target 0.34, hidden -0.46
exact: crime 0.15, asks 0.93, mine -0.24, asked 0.33, orders override 0.52, orders 0.18
system: system 0.21, free 0.13, new 0.17, doing -0.37, hidden 1.02, authority 0.16, asked 1.65, orders override 0.34
system: addresses an ai -0.31, quotes 0.65
above: above 1.39, new 0.42, only -0.6, must -0.46, doing -0.3, asks -0.76, orders reveal 0.94, orders 0.4
free: free 2.07, limits 0.14, must 0.12, orders reveal -0.65, quotes 0.78
limits: limits 0.92, neg 0.98, persona 1.2, must -0.73, target -0.41, crime 0.48, asks 0.16, mine -0.48
limits: orders reveal -0.76, orders 1.31, quotes -0.47, brackets -0.15
neg: neg -0.22, only 0.17, must -0.27, doing 0.15, verdict 0.55, target -0.24, crime 0.55, asks -0.48
neg: mine 1.2, user 0.19, asked -0.2, orders 0.98, addresses an ai 0.49
persona: persona -0.37, refuse -0.12, new 0.27, only -0.29, doing 0.25, hidden 1.09, crime 0.19, asks 0.95
persona: user 0.34, asked 0.34, orders 0.33
refuse: refuse 0.26, new 0.33, only 0.89, target 0.36, asks -0.59, orders override -0.4, orders reveal 0.71
new: new -0.49, target 0.15, asks -0.45, mine 0.93, user 0.7, asked -0.26, orders override 1.11, orders 0.15
only: only 0.22, doing 0.31, verdict 0.8, reads -0.13, hidden 0.77, authority -0.2, mine -0.53, user 0.68
only: orders override 0.86, orders 0.45
must: must 0.19, target -0.26, reads 0.3, hidden 0.34, orders override -0.88, addresses an ai -0.35
must: quotes 0.22
doing: target -0.2, reads 0.27, hidden 0.24, crime 0.2, asks -1.21, mine -0.33, orders override 0.62
doing: orders reveal -0.4, addresses an ai 0.41, quotes 0.85
verdict: hidden 0.94, authority 0.53, mine -0.47
target: target -0.14, hidden 0.24, authority -0.17, crime 0.18, asks -0.13, orders override 0.61
target: orders reveal 0.13, orders 0.88, quotes -1.51
reads: orders reveal -0.29, orders 0.22, addresses an ai 0.83
hidden: hidden 0.19, authority 0.23, asks 0.85, user 0.7, orders reveal -0.33, brackets 0.51
authority: crime 0.21, asks 0.34, mine 0.55, orders reveal 0.25, orders -0.47
crime: crime 1.46, asks 0.49, mine 0.34, orders reveal 0.38, orders 0.21
asks: asks -0.66, orders 0.14, addresses an ai -0.41
mine: asked -1.22, addresses an ai -0.48, brackets 1.19
user: user 0.6, asked -0.14, orders override 0.22, orders reveal -0.44, addresses an ai 0.29, quotes -0.41
user: brackets 0.38
asked: asked -1, quotes 0.33, brackets 1.15
orders override: orders override 0.34, orders reveal -0.41, addresses an ai -0.39, long 0.2
orders reveal: orders reveal 0.21, orders 0.45, addresses an ai 0.35
orders: orders 0.3, addresses an ai 0.67, brackets 0.25
addresses an ai: addresses an ai 0.8
quotes: quotes 0.28, brackets -0.48
brackets: brackets -0.17
long: long -0.31
"""
"""By concept: itself, or those that stand beside it, and what that adds."""
SIGNS_ADD: dict[str, float] = {
    "overrides instructions": 0,
    "overrides everything": -0.14,
    "stops and orders": 0,
    "new instructions": 0,
    "another self": 0.85,
    "another persona": 0.9,
    "a known jailbreak": 0,
    "speaks of jailbreaks": 0,
    "speaks of the system prompt": -0.8,
    "a line of a role": 1.31,
    "asks for no limits": 0.26,
    "asks to pass over rules": 0,
    "forbids refusing": 0.89,
    "speaks of the model's maker": 0.2,
    "asks for the prompt": 1.04,
    "asks for what is above": 0.77,
    "two answers": 0.26,
    "forges a role": 0.99,
    "an order in a document": 0,
    "a verdict in a document": 1.49,
    "decode and obey": 0,
    "asks for harm": 0.67,
    "rules of a game": 0,
    "screams": 0,
    "a name of a jailbreak": 0.37,
    "a line drawn below": -0.66,
    "many orders": 0,
}
"""What each sign in the text adds."""
