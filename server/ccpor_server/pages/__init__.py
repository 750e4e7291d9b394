"""The pages that people see: routes translate, pure functions make the values, templates print."""
