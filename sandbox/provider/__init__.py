"""Stand-ins for Pulumi's resource providers, which cannot run without accounts."""
