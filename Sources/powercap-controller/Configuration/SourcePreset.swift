internal import Signals

/// How a service answers, and where: what SOURCE_PRESET names. It is data; what SOURCE_VALUE and its like say wins over each field.
struct SourcePreset: Equatable, Sendable {
    /// As SOURCE_PRESET takes it.
    let name: String
    /// What it gives, in what unit: one line.
    let about: String
    /// What the values are in, times `factor`: `W`, `gCO2/kWh`.
    let unit: String
    /// Where it is asked, with `{names}` of what a person has to fill in, beside the days and times that are filled in for each request; several
    /// are separated by blanks. Empty for a file that is put there.
    var url = ""
    /// What it has to be given to answer; empty where it asks for nothing.
    var secret = ""
    var shape: Shape
    var factor = 1.0
    var nulls = SignalReader.Nulls.none
    var stamp = SignalReader.Stamp.start

    enum Shape: Equatable, Sendable {
        /// Paths as SOURCE_VALUE, SOURCE_TIME (`now` where a value has none), SOURCE_START and SOURCE_STEP take them.
        case document(value: String, time: String = "now", start: String = "", step: String = "")
        /// Names of columns.
        case table(time: [String], value: [String], only: [Table.Filter] = [])
        /// Periods of the clock on the wall, which SOURCE=schedule goes by, and the column of their values.
        case periods(value: [String])
    }

    static func named(_ name: String) -> SourcePreset? { all.first { $0.name == name } }

    /// The names in braces that a person has to fill in before the address is one, each once. Days and times fill themselves in.
    var blanks: [String] {
        var names: [String] = []
        for part in url.split(separator: "{").dropFirst() {
            let name = String(part.prefix { $0 != "}" })
            if ["now", "date", "unix"].contains(where: { name.hasPrefix($0) }) || names.contains(name) { continue }
            names.append(name)
        }
        return names
    }

    /// Where Tibber's answer has the prices of today and tomorrow.
    fileprivate static let tibberPrice = "$.data.viewer.homes[0].currentSubscription.priceInfo.*[*]"
}

extension SourcePreset {
    /// The one table of services. Where one answers in several shapes, it is the forecast, or else what is so now.
    static let all: [SourcePreset] = [
        SourcePreset(
            name: "uk-carbon-intensity", about: "Great Britain's carbon intensity, 48 hours of half hours", unit: "gCO2/kWh",
            url: "https://api.carbonintensity.org.uk/intensity/{now}/fw48h",
            shape: .document(value: "$.data[*].intensity.forecast", time: "$.data[*].from")),
        SourcePreset(
            name: "electricity-maps", about: "Electricity Maps' carbon intensity of a zone, 24 hours and more",
            unit: "gCO2eq/kWh",
            url: "https://api.electricitymaps.com/v3/carbon-intensity/forecast?zone={zone}&disableCallerLookup=true",
            secret: "a header `auth-token: TOKEN`",
            shape: .document(value: "$.forecast[*].carbonIntensity", time: "$.forecast[*].datetime")),
        SourcePreset(
            name: "watttime", about: "WattTime's marginal emissions of a region, every 5 minutes", unit: "gCO2/kWh",
            url: "https://api.watttime.org/v3/forecast?region={region}&signal_type=co2_moer",
            secret: "a login at https://api.watttime.org/login, whose answer has the token at $.token",
            // From pounds for each MWh.
            shape: .document(value: "$.data[*].value", time: "$.data[*].point_time", step: "$.meta.data_point_period_seconds"),
            factor: 0.45359237),
        SourcePreset(
            name: "awattar", about: "aWATTar's prices of the market's day, hourly", unit: "EUR/MWh",
            url: "https://api.awattar.de/v1/marketdata",
            shape: .document(value: "$.data[*].marketprice", time: "$.data[*].start_timestamp")),
        SourcePreset(
            name: "energy-charts", about: "Energy-Charts' prices of a bidding zone's day, quarter hours or hours",
            unit: "EUR/MWh",
            url: "https://api.energy-charts.info/price?bzn={zone}",
            shape: .document(value: "$.price[*]", time: "$.unix_seconds[*]")),
        SourcePreset(
            name: "nord-pool", about: "Nord Pool's prices of an area, today and tomorrow", unit: "EUR/MWh",
            url:
                "https://dataportal-api.nordpoolgroup.com/api/DayAheadPrices?market=DayAhead&date={date}&deliveryArea={area}&currency=EUR "
                + "https://dataportal-api.nordpoolgroup.com/api/DayAheadPrices?market=DayAhead&date={date+1}&deliveryArea={area}&currency=EUR",
            shape: .document(value: "$.multiAreaEntries[*].entryPerArea.*", time: "$.multiAreaEntries[*].deliveryStart")),
        SourcePreset(
            name: "octopus", about: "Octopus Energy's rates of a tariff with taxes, half hours", unit: "p/kWh",
            url:
                "https://api.octopus.energy/v1/products/{product}/electricity-tariffs/{tariff}/standard-unit-rates/?period_from={now}",
            shape: .document(value: "$.results[*].value_inc_vat", time: "$.results[*].valid_from")),
        SourcePreset(
            name: "tibber", about: "Tibber's prices of the first home, today and tomorrow", unit: "currency/kWh",
            url: "https://api.tibber.com/v1-beta/gql",
            secret: "a header `Authorization: Bearer TOKEN`, and a body with the query",
            shape: .document(value: tibberPrice + ".total", time: tibberPrice + ".startsAt")),
        SourcePreset(
            name: "open-meteo",
            about: "Open-Meteo's sunlight on panels, quarter hours; SOURCE_FACTOR is their area in m2 times their efficiency",
            unit: "W/m2",
            url: "https://api.open-meteo.com/v1/forecast?latitude={latitude}&longitude={longitude}&tilt={tilt}&azimuth={azimuth}"
                + "&minutely_15=global_tilted_irradiance&forecast_days=2&timeformat=unixtime",
            shape: .document(value: "$.minutely_15.global_tilted_irradiance[*]", time: "$.minutely_15.time[*]"),
            // Each is the mean of the time before (open-meteo.com/en/docs).
            stamp: .end),
        SourcePreset(
            name: "forecast-solar", about: "Forecast.Solar's estimate for panels, today and tomorrow", unit: "W",
            url: "https://api.forecast.solar/estimate/{latitude}/{longitude}/{declination}/{azimuth}/{kwp}?time=utc",
            shape: .document(value: "$.result.watts.*", time: "key")),
        SourcePreset(
            name: "fronius", about: "what a Fronius inverter's panels give now", unit: "W",
            url: "http://{host}/solar_api/v1/GetPowerFlowRealtimeData.fcgi", shape: .document(value: "$.Body.Data.Site.P_PV"),
            nulls: .zero),
        SourcePreset(
            name: "sma", about: "what an SMA inverter gives now", unit: "W", url: "https://{host}/dyn/getDashValues.json",
            shape: .document(value: "$.result.*['6100_40263F00']['1'][0].val"), nulls: .zero),
        SourcePreset(
            name: "home-assistant", about: "the state of one of Home Assistant's entities now", unit: "the entity's",
            url: "http://{host}:8123/api/states/{entity}", secret: "a header `Authorization: Bearer TOKEN`",
            shape: .document(value: "$.state")),
        SourcePreset(
            name: "openems", about: "what OpenEMS' panels give now", unit: "W",
            url: "http://{host}:8084/rest/channel/_sum/ProductionActivePower",
            secret: "a header `Authorization: Basic` of x:PASSWORD",
            shape: .document(value: "$.value"), nulls: .zero),
        SourcePreset(
            name: "victron", about: "Victron VRM's forecast of an installation's yield, hourly: Wh of an hour are W", unit: "W",
            url: "https://vrmapi.victronenergy.com/v2/installations/{site}/stats?type=forecast",
            secret: "a header `X-Authorization: Token TOKEN`",
            shape: .document(value: "$.records.solar_yield_forecast[*][1]", time: "$.records.solar_yield_forecast[*][0]")),
        SourcePreset(
            name: "shelly", about: "what goes through a Shelly switch of the second generation now", unit: "W",
            url: "http://{host}/rpc/Switch.GetStatus?id=0", shape: .document(value: "$.apower")),
        SourcePreset(
            name: "prometheus", about: "a query of Prometheus that has one value now", unit: "the query's",
            url: "http://{host}:9090/api/v1/query?query={query}", shape: .document(value: "$.data.result[*].value[1]")),
        SourcePreset(
            name: "openadr3", about: "the first event of an OpenADR 3 server: IMPORT_CAPACITY_LIMIT is a budget", unit: "W",
            url: "https://{host}/events?programID={program}", secret: "a header `Authorization: Bearer TOKEN`",
            shape: .document(
                value: "$[0].intervals[*].payloads[?@.type=='IMPORT_CAPACITY_LIMIT'].values[0]",
                time: "$[0].intervals[*].intervalPeriod.start", start: "$[0].intervalPeriod.start",
                step: "$[0].intervals[*].intervalPeriod.duration $[0].intervalPeriod.duration"),
            factor: 1_000),
        SourcePreset(
            name: "carbon-aware-sdk", about: "the Carbon Aware SDK's forecast of a location", unit: "gCO2/kWh",
            url: "https://{host}/emissions/forecasts/current?location={location}",
            shape: .document(value: "$[0].forecastData[*].value", time: "$[0].forecastData[*].timestamp")),
        SourcePreset(
            name: "entsoe-file", about: "a file of day-ahead prices from ENTSO-E's platform: its export, or FMS for one area",
            unit: "EUR/MWh",
            shape: .table(
                time: ["MTU (UTC)", "MTU (CET/CEST)", "DateTime(UTC)"],
                value: ["Day-ahead Price (EUR/MWh)", "Day-ahead Price [EUR/MWh]", "Price[Currency/MWh]"],
                only: [
                    Table.Filter("ContractType", ["Day-ahead"]),
                    Table.Filter("Sequence", ["", "1", "Without Sequence", "Sequence 1", "Sequence Sequence 1"]),
                ])),
        SourcePreset(
            name: "origin-epex", about: "a day's volumes of EPEX SPOT's auction, in quarter hours of the clock on the wall",
            unit: "MWh",
            shape: .periods(value: ["Volume (MWh)"])),
    ]
}
