"""Files and documents to findings: drift, schemas, rules, differences, history."""
