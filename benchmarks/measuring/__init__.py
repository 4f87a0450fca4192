"""The measuring core of all benchmarks: what is timed, how, and how it is shown.

`timing`: competitors in turn. `processes`: fresh processes, cold and warm, and their memory. `peers`: modules that may be
missing, and C. `tables`: rows with targets. `report`: tables with machine and date, as JSON and in the README.
`benchmark`: a script as a list of tables, and the command line.
"""

from measuring.benchmark import Benchmark, Plan, Rows, progress
from measuring.peers import c_function, installed, needs, peer, scratch
from measuring.tables import Cells, Goal, Row, Table
from measuring.timing import BenchmarkError, Call, TooSlow, exponent, interleaved, least, measure, race, ratio
