"""Numbers for people, policies and docs: what a stack can be expected to reach. No Pulumi, no network."""
