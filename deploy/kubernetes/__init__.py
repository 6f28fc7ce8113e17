"""The manifests below `k8s/`: rendered, validated and checked without a cluster."""
