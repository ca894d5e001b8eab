"""What forges and platforms say of deployments, beside what the coordinator knows of its own.

``forges`` reads pipelines and runs, ``platforms`` asks what each platform's own API tells, ``found`` is what of it is
kept, and ``opening`` puts them together by the stack's settings. None of it opens an incident: an API that does not
answer says nothing of the site.
"""
