# SPDX-License-Identifier: Apache-2.0
# The configuration that the system tests run with, installed as an example.
nginxexamplesdir = $(docdir)/examples/nginx
dist_nginxexamples_DATA = \
	%D%/nginx.conf \
	%D%/token-locations.conf \
	%D%/token-tls.conf.example
