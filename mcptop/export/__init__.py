"""Files for other systems: Prometheus rules, a Grafana dashboard, .env, Compose, Swarm and HPA. Text only."""
