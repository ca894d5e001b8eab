"""The local Pulumi plugin: what runs during ``pulumi up`` to put the site onto each platform."""
