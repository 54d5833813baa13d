"""The evaluate stage: rules, alert states and notices of closed sweeps."""
