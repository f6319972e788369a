"""Write the schemas again after a change of documents, settings or policies: `python -m tests.config.fresh_schemas`."""

from pathlib import Path

from triplegate.config.schema import write_schemas
from triplegate.core.policy import Registry
from triplegate.policies import built_in

if __name__ == "__main__":
    for path in write_schemas(Path(__file__).parents[2], Registry(built_in())):
        print(path)
