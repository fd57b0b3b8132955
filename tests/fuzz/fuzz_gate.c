/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the start of a FastCGI connection: judged without harm, and
 * the verdict on a longer prefix never takes back a settled one.
 */
#include <config.h>

#include "fcgi/gate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum acp_gate_verdict whole = acp_gate_judge(data, size);
	enum acp_gate_verdict half = acp_gate_judge(data, size / 2);

	if (half != ACP_GATE_INCOMPLETE && half != whole)
		abort();
	return 0;
}
