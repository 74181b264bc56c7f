/* SPDX-License-Identifier: Apache-2.0 */
/* sign_test - signatures against the published examples of the Standard Webhooks scheme. */
#include "actuator/sign.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Bytes 0, 1, 2 ... up to 61 in base64. */
#define MANY \
    "whsec_" \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0"

static const struct {
    const char *secret, *id;
    int64_t timestamp_s;
    const char *body, *signature;
} examples[] = {
    /* the published example of Svix, where the scheme comes from */
    {"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
     "{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
     "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
    /* the reference libraries' test */
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
     "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    /* 64 bytes of key and an empty body, by Python's hmac */
    {MANY "+Pw==", "auspex_1-0-42-0", 1700000000, "",
     "v1,mHPUyIvbqu3CENMCpzjvwspcL3Lt81grK4wqGMr5vyY="},
};

static void examples_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct sign_key key;
        struct buf out = {0};
        assert_true(sign_key_read(str_of(examples[i].secret), &key));
        sign_v1(&key, str_of(examples[i].id), examples[i].timestamp_s, str_of(examples[i].body),
                &out);
        assert_string_equal(buf_cstr(&out), examples[i].signature);
        buf_fini(&out);
    }
}

static void other_secrets_are_refused(void **state)
{
    (void)state;
    static const char too_long[] = MANY "+P0A="; /* 65 bytes */
    static const char *const secrets[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",       /* no prefix */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",  /* cut */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", /* 22 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-w",
        too_long,
    };
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct sign_key key = {.len = 7};
        assert_false(sign_key_read(str_of(secrets[i]), &key));
        assert_int_equal(key.len, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_hold),
        cmocka_unit_test(other_secrets_are_refused),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
