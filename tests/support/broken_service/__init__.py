"""A service that ends as soon as it is started."""
