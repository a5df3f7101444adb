# SPDX-License-Identifier: BSD-3-Clause
"""Where the rows of the index come from: one module per library."""
