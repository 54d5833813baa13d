"""What every test may ask for: the simulator served for real, and real databases, and the command line."""

pytest_plugins = [
    "tests.services.simulated",
    "tests.services.databases",
    "tests.services.commands",
    "tests.services.gateways",
    "tests.services.queues",
]
