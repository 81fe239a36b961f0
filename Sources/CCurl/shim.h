// SPDX-License-Identifier: MIT
//
// libcurl sets options through variadic functions, which Swift cannot import.
#pragma once

#include <curl/curl.h>

typedef size_t (*router_curl_receive)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode router_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode router_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/// Strings are copied by libcurl, except for CURLOPT_POSTFIELDS.
static inline CURLcode router_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode router_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode router_curl_set_receiver(CURL *handle, CURLoption option, router_curl_receive value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode router_curl_get_string(CURL *handle, CURLINFO info, char **value) {
    return curl_easy_getinfo(handle, info, value);
}

/// The result of a transfer that has ended, taken from the message queue; non-zero when there was one.
static inline int router_curl_take_result(CURLM *multi, CURLcode *result) {
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(multi, &left); message != NULL;
         message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return 1;
        }
    }
    return 0;
}
