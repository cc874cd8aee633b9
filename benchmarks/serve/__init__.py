"""The reward server under load. The one rule: figures of one sitting are compared with each other only."""
