"""What OKD publishes: versions, the update graph, sources and signatures."""
