"""What every test may ask for: the simulator served for real, and real databases."""

pytest_plugins = ["tests.services.simulated", "tests.services.databases"]
