/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type of all programs. A value tells the caller what to do
 * next; what exactly broke is logged, or written into the caller's message
 * buffer, where it happened.
 */
#ifndef ACP_LIB_ERROR_H
#define ACP_LIB_ERROR_H

enum acp_error {
	ACP_OK = 0,
	ACP_BAD_REQUEST, /* the input is wrong: change it, do not repeat it */
	ACP_DENIED, /* refused by the other side or by a rule of ours */
	ACP_RETRY_LATER, /* nothing is wrong with the input: try again */
	ACP_GONE, /* the thing asked for is not there */
	ACP_FAULT, /* the system failed us, or we have a bug: tell a human */
	ACP_ERROR__MAX
};

/* The fallible functions of this tree: their result must be looked at. */
#define ACP_MUST_CHECK __attribute__((warn_unused_result))

/* A word for logs ("ok", "bad_request", ...); static, never NULL. */
const char *acp_error_name(enum acp_error error);

#endif
