/* What tests take of POSIX and mingw-w64's libraries lack, by what these have: included in front of
 * a test (tests/common.sh, group windows). */
#include <direct.h>
#include <errno.h>
#include <io.h>
#include <stdlib.h>
#include <sys/stat.h>

__attribute__((unused)) static int setenv(const char *name, const char *value, int overwrite)
{
    (void)overwrite;
    return _putenv_s(name, value);
}

__attribute__((unused)) static int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

__attribute__((unused)) static char *mkdtemp(char *name)
{
    return _mktemp(name) && _mkdir(name) == 0 ? name : NULL;
}

#define mkdir(path, mode) _mkdir(path)
