"""What the project consists of, as a CycloneDX document, and whether any of it has a known vulnerability."""
