/* Numbers in text, against the C library's strtof and strtod. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "datasets.h"
#include <float.h>
#include <math.h>

static int parse(const char *text, fnn_real *value)
{
    file_bytes b = bytes_text(text); /* without the zero: nothing beyond the text is read */
    int good = fnni_parse_real((const char *)b.bytes, b.size, value);
    free(b.bytes);
    return good;
}

/* The C library's answer: correctly rounded in glibc, musl and the BSDs. (Not so in glibc 2.36 for
 * an exact decimal three quarters of the way to the next subnormal: check_middle avoids those.) */
static fnn_real reference(const char *text)
{
    return (fnn_real)(sizeof(fnn_real) == 4 ? (double)strtof(text, NULL) : strtod(text, NULL));
}

static int same_bits(fnn_real a, fnn_real b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void check_number_is(const char *text, fnn_real expected)
{
    fnn_real value = 0;
    int good = parse(text, &value);
    if (isinf(expected)) CHECKF(!good, "%s: too large, read as %g", text, (double)value);
    else
        CHECKF(good && same_bits(value, expected), "%s: %.17g, expected %.17g", text, (double)value,
               (double)expected);
}

static void check_number(const char *text)
{
    check_number_is(text, reference(text));
}

/* `middle` in full, and one digit more or less: for floats the processor rounds the double, or its
 * neighbour, for doubles the number itself is the answer. */
static void check_middle(double middle)
{
    const int single = sizeof(fnn_real) == 4;
    char text[1400];
    int k;
    snprintf(text, sizeof text, "%.14e", middle); /* 15 digits that may round to it as a double */
    check_number(text);
    snprintf(text, sizeof text, "%.16e", middle);
    check_number(text);
    snprintf(text, sizeof text, "%.600f", middle);
    check_number_is(text, (fnn_real)middle);
    k = (int)strlen(text);
    text[k] = '1';
    text[k + 1] = 0;
    check_number_is(text, (fnn_real)(single ? nextafter(middle, DBL_MAX) : middle));
    text[k] = 0;
    while (k > 0 && (text[k - 1] == '0' || text[k - 1] == '.')) k--;
    text[k - 1]--;
    if (single && strchr(text, '.') < text + k) /* else it was 1 or more that was taken away */
        check_number_is(text, (fnn_real)nextafter(middle, 0));
}

static const char *const number_texts[] = {
    "0",
    "-0",
    "+0",
    "0.0",
    "0e999999999999999999999",
    "1",
    "-1",
    "255",
    "256",
    ".5",
    "5.",
    "-.5e1",
    "+5.E-1",
    "1e0",
    "1E+2",
    "00012",
    "0.1",
    "0.30000000000000004",
    "1e22",
    "1e23",
    "123456789012345",
    "1234567890123456",
    "9007199254740993",
    "9007199254740992.5",
    "9007199254740993.00000000000000000000000000000000000000000000000001",
    "16777217",
    "16777217.0000001",
    "16777219",
    "33554434.5",
    "1.00000005960464477539062500000000000",
    "1.00000005960464477539062500000000001",
    "1.00000005960464477539062499999999999",
    "1.17549435e-38",
    "1.1754943e-38",
    "1.17549429e-38",
    "1e-45",
    "7e-46",
    "7.1e-46",
    "1.4e-45",
    "7.006492321624085354618e-46",
    "7.006492321624085354619e-46",
    "3.4028234663852886e38",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.4028235677973367e38",
    "3.5e38",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1.797693134862315807e308",
    "1e309",
    "1e400",
    "-1e400",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "2.225073858507201e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1e-323",
    "1e-400",
    "6.02214076e23",
    "299792458",
    "8.5e-35",
    "0.000000000000000000000000000001",
    "1000000000000000000000000000000",
    "179769313486231580793728971405303415079934132710037826",
    "0.1e1",
    "100e-2",
    "1.0000000000000000000000000",
    "4503599627370497.5",
    "4503599627370496.5",
    "0.5000000298023223876953125",
    "1e-10",
    "123.456e-7"};

static void numbers_correctly_rounded(void)
{
    char text[2400];
    int i, k;
    for (i = 0; i < COUNT(number_texts); i++) check_number(number_texts[i]);
    for (i = 0; i < 2; i++) { /* ties, but for the 800th digit and later */
        k = snprintf(text, 100, "%s.", i ? "9007199254740993" : "16777217");
        memset(text + k, '0', 900);
        text[k + 900] = 0;
        check_number(text);
        for (k += 700; k < 900; k += 13) {
            text[k] = '1';
            check_number(text);
            text[k] = '0';
        }
    }
    for (i = 0; i < 60000; i++) {
        char *p = text;
        int digits = 1 + random_below(i % 100 ? 22 : 40), point = random_below(2 * digits + 1);
        if (random_below(3) == 0) *p++ = '-';
        for (k = 0; k < digits; k++) {
            if (k == point) *p++ = '.';
            *p++ = (char)('0' + random_below(10));
        }
        *p = 0;
        if (random_below(2))
            snprintf(p, 20, "e%d",
                     random_below(3) ? random_below(90) - 55 : random_below(700) - 350);
        check_number(text);
    }
    /* The worst: numbers half way between two neighbours, written in full, and one digit beside. */
    for (i = 0; i < 3000; i++) {
        const int single = sizeof(fnn_real) == 4;
        uint32_t high = random_bits(), low = random_bits();
        double middle;
        int exponent = random_below(4) ? random_below(100) - 60 : random_below(260) - 150;
        if (single) middle = ldexp((double)(high >> 8 | 0x800000u) + 0.5, exponent);
        else
            middle = ldexp((double)((uint64_t)(high >> 12) << 32 | low), exponent); /* exact only */
        if (!(middle > 3e38 && single)) check_middle(middle);
    }
    /* Half way between doubles: 2^53 + 1 times a power of two, up to the smallest subnormals. */
    for (i = 0; i < 200; i++) {
        int power = 1 + random_below(1000);
        fnni_big big;
        char digits[1200];
        big.used = 1;
        big.limb[0] = 1;
        fnni_big_shift_left(&big, 53);
        fnni_big_multiply_add(&big, 1, (uint32_t)(1 + 2 * random_below(1000)));
        for (k = 0; k < power; k++) fnni_big_multiply_add(&big, 5, 0); /* / 10^power = / 2^power */
        for (k = 0; big.used > 0; k++) { /* to decimal, last digit first */
            uint64_t rest = 0;
            int j;
            for (j = big.used - 1; j >= 0; j--) {
                rest = rest << 32 | big.limb[j];
                big.limb[j] = (uint32_t)(rest / 10);
                rest %= 10;
            }
            while (big.used > 0 && big.limb[big.used - 1] == 0) big.used--;
            digits[k] = (char)('0' + (int)rest);
        }
        digits[k] = 0;
        for (power = -power; k > 0; k--) text[strlen(digits) - (size_t)k] = digits[k - 1];
        snprintf(text + strlen(digits), 100, "e%d", power);
        check_number(text);
        snprintf(text + strlen(digits), 100, "00000000000000000000001e%d", power - 23);
        check_number(text);
    }
}

static void numbers_rejected(void)
{
    static const char *const texts[] = {
        "",      "+",    "-",   ".",        "e5",  "1e",    "1e+",   "0x10",     "0x1p3",
        "nan",   "NaN",  "inf", "Infinity", "1,5", "1'000", "1_000", "--1",      "+-1",
        "1.2.3", "1 2",  " 1",  "1 ",       "1f",  "1d3",   "1e5.0", "\xD9\xA1", "1\xC2\xA0",
        "()",    "NULL", "?",   "-e1",      ".e1", "1e1e1"};
    fnn_real value;
    int i;
    for (i = 0; i < COUNT(texts); i++) CHECKF(!parse(texts[i], &value), "%s", texts[i]);
    CHECK(parse("10", &value) && value == 10);
}

/* A whole number however it is written, to its last digit. */
static void whole_numbers(void)
{
    static const struct {
        const char *text;
        int good;
        int32_t value;
    } rows[] = {
        {"0", 1, 0},
        {"-0", 1, 0},
        {"0.000", 1, 0},
        {"7.0", 1, 7},
        {"3e2", 1, 300},
        {"-3.0e+2", 1, -300},
        {"1200e-2", 1, 12},
        {"+16777216", 1, 16777216},
        {"16777217", 0, 0},
        {"-16777217", 0, 0},
        {"1.00000001", 0, 0},
        {"0.99999999", 0, 0},
        {"1200e-3", 0, 0},
        {"1e-9", 0, 0},
        {"0e99999", 1, 0},
        {"1e99999999999999999", 0, 0},
        {"1e", 0, 0},
        {"", 0, 0},
        {"nan", 0, 0},
        {"18446744073709551617", 0, 0},
        {"5.000000000000000000000000", 1, 5},
        {"5.000000000000000000000001", 0, 0},
        {"0.000000000000000000000005e24", 1, 5},
        {"500000000000000000000000e-23", 1, 5},
    };
    int i;
    for (i = 0; i < COUNT(rows); i++) {
        file_bytes b = bytes_text(rows[i].text);
        int32_t value = 0;
        const int good = fnni_parse_whole((const char *)b.bytes, b.size, 16777216, &value);
        CHECKF(good == rows[i].good && value == rows[i].value, "%s: %d, %ld", rows[i].text, good,
               (long)value);
        free(b.bytes);
    }
}

static const harness_test tests[] = {
    TEST(numbers_correctly_rounded),
    TEST(numbers_rejected),
    TEST(whole_numbers),
};
HARNESS_MAIN(tests)
