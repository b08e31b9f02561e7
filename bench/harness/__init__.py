"""The comparison of stream proxies: see bench/compare."""
