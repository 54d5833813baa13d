"""What the wheel depends on: licences, and known vulnerabilities. Behind `make sbom` and `make audit`."""
