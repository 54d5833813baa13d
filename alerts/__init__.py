"""What changed, and why anyone should hear of it: rules, the life of an alert, storms. Pure: `now` is an argument."""
