"""What a cluster's provider gets on the hub: the objects that make it install a cluster, and delete it."""
