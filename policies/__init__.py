"""What a stack must be before anything of it is applied: a CrossGuard pack, run by `make preview` and `make up`.

One constant for each policy, in a module named after what it guards; ``registry.py`` lists them. ``policy.py`` says
what a policy is made of, ``values.py`` how it sees a resource, ``exceptions.py`` where the program deviates and why.
"""
