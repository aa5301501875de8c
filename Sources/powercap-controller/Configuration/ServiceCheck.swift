internal import HTTP
internal import Policy
internal import PowercapProtocol

extension Settings {
    /// Refuses a service that can't be asked as it is configured, and what no source asks.
    func checkService() throws(UsageError) {
        let (service, isAsked) = (configuration.askedService, configuration.policy.source == .http)
        if isAsked, !service.isGiven {
            guard let preset = configuration.sourcePreset, !preset.url.isEmpty else { throw .noService(given("SOURCE")) }
            throw .unfilledPreset(given("SOURCE_PRESET"), preset)
        }
        if isAsked, !configuration.isMapped { throw .noPlaces(given("SOURCE")) }
        if !isAsked {
            let own = configuration.service
            let variables = [
                ("SOURCE_URL", !own.addresses.isEmpty), ("SOURCE_URL_FILE", own.addressFile != nil),
                ("SOURCE_HEADER_FILE", own.fieldFile != nil), ("SOURCE_BODY_FILE", own.bodyFile != nil),
                ("SOURCE_LOGIN_FILE", own.loginFile != nil), ("SOURCE_LOGIN_URL", own.loginAddress != nil),
                ("SOURCE_LOGIN_TOKEN", own.tokenPath != .token), ("SOURCE_CA_FILE", own.certificateFile != nil),
                ("SOURCE_REFRESH", own.refresh != ServiceSettings().refresh),
            ]
            for (variable, isGiven) in variables where isGiven {
                throw .fileWithoutSource(given(variable), given("SOURCE"), needs: "http")
            }
            return
        }
        if !service.addresses.isEmpty, service.addressFile != nil {
            throw .contradiction(given("SOURCE_URL"), given("SOURCE_URL_FILE"))
        }
        if service.loginAddress != nil, service.loginFile == nil {
            throw .missingBeside(given("SOURCE_LOGIN_URL"), "SOURCE_LOGIN_FILE")
        }
        if service.loginAddress == nil, service.tokenPath != .token {
            throw .missingBeside(given("SOURCE_LOGIN_TOKEN"), "SOURCE_LOGIN_URL")
        }
        if service.refresh < ServiceSettings.leastRefresh, !service.isPrivate { throw .tooOften(given("SOURCE_REFRESH")) }
    }

    /// Refuses a live value that would come from two places, or can't be asked for as it is configured.
    func checkLiveService() throws(UsageError) {
        let live = configuration.liveService
        guard live.isGiven else {
            let variables = [
                ("LIVE_HEADER_FILE", live.fieldFile != nil), ("LIVE_LOGIN_FILE", live.loginFile != nil),
                ("LIVE_CA_FILE", live.certificateFile != nil),
                ("LIVE_REFRESH", live.refresh != Configuration().liveService.refresh),
            ]
            for (variable, isGiven) in variables where isGiven { throw .missingBeside(given(variable), "LIVE_URL") }
            return
        }
        let address = given(live.addressFile == nil ? "LIVE_URL" : "LIVE_URL_FILE")
        if configuration.liveFile != nil { throw .contradiction(given("LIVE_FILE"), address) }
        if !live.addresses.isEmpty, live.addressFile != nil { throw .contradiction(given("LIVE_URL"), given("LIVE_URL_FILE")) }
        if live.refresh < ServiceSettings.leastRefresh, !live.isPrivate { throw .tooOften(given("LIVE_REFRESH")) }
    }
}
