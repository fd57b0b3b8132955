# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags that are added only where the tools take them.

# ACP_TRY_CFLAGS(VARIABLE, FLAG ...): append each accepted flag to VARIABLE
AC_DEFUN([ACP_TRY_CFLAGS], [
  for acp_flag in $2; do
    AC_MSG_CHECKING([whether $CC takes $acp_flag])
    acp_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $acp_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); $1="$$1 $acp_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$acp_saved_CFLAGS
  done
])

# ACP_TRY_LDFLAGS(VARIABLE, FLAG ...): the same for the linker
AC_DEFUN([ACP_TRY_LDFLAGS], [
  for acp_flag in $2; do
    AC_MSG_CHECKING([whether the linker takes $acp_flag])
    acp_saved_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -Werror $acp_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); $1="$$1 $acp_flag"], [AC_MSG_RESULT([no])])
    LDFLAGS=$acp_saved_LDFLAGS
  done
])

AC_DEFUN([ACP_WARNINGS], [
  ACP_TRY_CFLAGS([ACP_WARN_CFLAGS], [-Wall -Wextra -Wshadow \
    -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef \
    -Wpointer-arith -Wwrite-strings -Wconversion -Wjump-misses-init])
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
    [], [enable_werror=no])
  AS_IF([test "x$enable_werror" = xyes],
    [ACP_WARN_CFLAGS="$ACP_WARN_CFLAGS -Werror"])
  AC_SUBST([ACP_WARN_CFLAGS])
])

AC_DEFUN([ACP_HARDENING], [
  ACP_TRY_CFLAGS([ACP_HARDEN_CFLAGS], [-fPIE -fstack-protector-strong \
    -fstack-clash-protection -fcf-protection=full])
  # FORTIFY needs optimisation, and disturbs the sanitizers
  AS_IF([test "x$enable_sanitize" = xno],
    [AS_CASE([" $CFLAGS "],
      [*-D_FORTIFY_SOURCE*|*" -O0 "*], [],
      [*" -O"*], [ACP_HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])])
  ACP_TRY_LDFLAGS([ACP_HARDEN_LDFLAGS], [-pie -Wl,-z,relro -Wl,-z,now \
    -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed])
  AC_SUBST([ACP_HARDEN_CPPFLAGS])
  AC_SUBST([ACP_HARDEN_CFLAGS])
  AC_SUBST([ACP_HARDEN_LDFLAGS])
])

AC_DEFUN([ACP_INSTRUMENT], [
  AC_ARG_ENABLE([sanitize],
    [AS_HELP_STRING([--enable-sanitize=LIST],
      [build with sanitizers, for instance address,undefined])],
    [AS_IF([test "x$enable_sanitize" = xyes],
      [enable_sanitize=address,undefined])], [enable_sanitize=no])
  AS_IF([test "x$enable_sanitize" != xno],
    [ACP_INSTR_CFLAGS="-fsanitize=$enable_sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer"
     ACP_INSTR_LDFLAGS="-fsanitize=$enable_sanitize"])
  AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage], [count executed lines with gcov])],
    [], [enable_coverage=no])
  AS_IF([test "x$enable_coverage" = xyes],
    [ACP_INSTR_CFLAGS="$ACP_INSTR_CFLAGS --coverage"
     ACP_INSTR_LDFLAGS="$ACP_INSTR_LDFLAGS --coverage"])
  AC_ARG_ENABLE([fuzzing],
    [AS_HELP_STRING([--enable-fuzzing],
      [link the fuzz targets with libFuzzer (needs clang)])],
    [], [enable_fuzzing=no])
  AS_IF([test "x$enable_fuzzing" = xyes],
    [ACP_INSTR_CFLAGS="$ACP_INSTR_CFLAGS -fsanitize=fuzzer-no-link"
     ACP_FUZZ_LDFLAGS="-fsanitize=fuzzer"])
  AM_CONDITIONAL([ENABLE_FUZZING], [test "x$enable_fuzzing" = xyes])
  AC_SUBST([ACP_INSTR_CFLAGS])
  AC_SUBST([ACP_INSTR_LDFLAGS])
  AC_SUBST([ACP_FUZZ_LDFLAGS])
])
