"""Guards that others run: what they are asked and what their answers mean, each in its own words."""
