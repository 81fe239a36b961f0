// SPDX-License-Identifier: MIT

internal import CCurl
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One transfer of libcurl with the multi handle that drives it; both are freed with the value.
struct CurlHandle: ~Copyable {
    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    /// Header lines, which libcurl does not copy.
    private var lines: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>

    /// Once in the process, before any other call.
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init() throws(TransferError) {
        guard Self.isReady, let easy = curl_easy_init() else {
            throw .system(SystemError("start libcurl", code: ENOMEM))
        }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw .system(SystemError("start libcurl", code: ENOMEM))
        }
        self.easy = easy
        self.multi = multi
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
        curl_slist_free_all(lines)
        errorText.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) { _ = router_curl_set_long(easy, option, value) }
    func set(_ option: CURLoption, size value: Int) { _ = router_curl_set_size(easy, option, curl_off_t(value)) }
    func set(_ option: CURLoption, _ value: String?) { _ = router_curl_set_string(easy, option, value) }
    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
        _ = router_curl_set_pointer(easy, option, pointer)
    }
    func set(_ option: CURLoption, receiver: @escaping router_curl_receive) {
        _ = router_curl_set_receiver(easy, option, receiver)
    }

    mutating func set(headers: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, header) }
        set(CURLOPT_HTTPHEADER, pointer: list.map { UnsafeMutableRawPointer($0) })
        curl_slist_free_all(lines)
        lines = list
    }

    /// Begins the transfer with the options set so far; ends one that is under way.
    func start() {
        curl_multi_remove_handle(multi, easy)
        errorText[0] = 0
        set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText))
        curl_multi_add_handle(multi, easy)
    }

    /// Does what can be done without waiting; the result once the transfer has ended.
    func perform() -> CURLcode? {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        var result = CURLE_OK
        return router_curl_take_result(multi, &result) != 0 ? result : nil
    }

    /// Waits until something can be done, or `limit` has passed.
    func wait(atMost limit: Duration) {
        curl_multi_poll(multi, nil, 0, Int32(clamping: limit.wholeMilliseconds), nil)
    }

    /// Goes on receiving after the receiver had asked for a pause.
    func unpause() { curl_easy_pause(easy, CURLPAUSE_CONT) }

    /// libcurl's own words for `result`.
    func words(for result: CURLcode) -> String {
        errorText[0] != 0 ? String(cString: errorText) : String(cString: curl_easy_strerror(result))
    }
}
