"""What a stack declares: typed settings, one component for each hosting platform, the edge in front of them."""
