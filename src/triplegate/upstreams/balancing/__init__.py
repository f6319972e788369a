"""Which endpoint a call goes to: one algorithm a file, made anew whenever the usable endpoints change."""
