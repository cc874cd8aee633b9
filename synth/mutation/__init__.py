"""Programs made from programs by edits of their syntax trees: small slips (`edits`), and functions that do
something else first (`bodies`), by the words of each grammar (`rules`).

It stands beside `grammar` and knows no language, test or sandbox. The one rule: text is read in a parser
process only, and the same text always gives the same programs.
"""
