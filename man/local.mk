# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += \
	%D%/ambient-cp-reconciler.8 \
	%D%/ambient-cp-token.8 \
	%D%/ambient-cp.conf.5
