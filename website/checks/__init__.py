"""What is wrong with a site although it can be published: links, markup, secrets; by file and line.

Pure: no Pulumi, no network. Nothing is imported here, so that the settings can be read without the parsers.
"""
