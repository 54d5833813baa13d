"""The report stage: weekly reports from closing snapshots."""
