#!/usr/bin/env python3
"""What each answer beside this file says, worked out service by service in plain Python, without any path: writes expected.json.

usage: expected.py > expected.json

A row has the file, how it is configured, and what comes of it: `now` with a value or null, `points` of [seconds since 1970, value or null]
with `end`, or `error` with a part of the sentence. Times are in UTC unless the file says otherwise.
"""
import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
CET, CEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))


def load(name):
    return json.loads((HERE / name).read_text())


def at(text):
    """Seconds since 1970 of an ISO 8601 time."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00").split("+")[0][:26] + ("+" + text.split("+")[1] if "+" in text else "+00:00"))
    return int(time.timestamp())


def row(file, points=None, *, end=None, now=None, error=None, **configuration):
    result = {"file": file, "configuration": configuration}
    if error:
        result["error"] = error
    elif points is None:
        result["now"] = now
    else:
        result["points"], result["end"] = sorted(points), end
    return result


def rows():
    name = "uk-carbon-intensity-fw48h.json"
    data = load(name)["data"]
    yield row(name, [[at(x["from"]), x["intensity"]["forecast"]] for x in data], end=at(data[-1]["to"]),
              time="$.data[*].from", value="$.data[*].intensity.forecast")
    name = "uk-carbon-intensity-regional-fw48h.json"
    data = load(name)["data"]["data"]
    yield row(name, [[at(x["from"]), x["intensity"]["forecast"]] for x in data], end=at(data[-1]["to"]),
              time="$.data.data[*].from", value="$.data.data[*].intensity.forecast")
    yield row("uk-carbon-intensity-error.json", error=load("uk-carbon-intensity-error.json")["error"]["message"],
              time="$.data[*].from", value="$.data[*].intensity.forecast")

    name = "electricitymaps-v3-latest.json"
    yield row(name, now=load(name)["carbonIntensity"], value="$.carbonIntensity")
    name = "electricitymaps-forecast.json"
    data = load(name)["forecast"]
    yield row(name, [[at(x["datetime"]), x["carbonIntensity"]] for x in data], end=at(data[-1]["datetime"]) + 3600,
              time="$.forecast[*].datetime", value="$.forecast[*].carbonIntensity")
    name = "electricitymaps-v4-price-day-ahead.json"
    data = load(name)["data"]
    yield row(name, [[at(x["datetime"]), x["value"]] for x in data], end=at(data[-1]["datetime"]) + 900,
              time="$.data[*].datetime", value="$.data[*].value")

    name = "watttime-v3-forecast.json"
    answer = load(name)
    step = answer["meta"]["data_point_period_seconds"]
    yield row(name, [[at(x["point_time"]), x["value"] * 0.45359237] for x in answer["data"]],
              end=at(answer["data"][-1]["point_time"]) + step,
              time="$.data[*].point_time", value="$.data[*].value", step=["$.meta.data_point_period_seconds"], factor=0.45359237)
    name = "watttime-v3-signal-index.json"
    yield row(name, now=load(name)["data"][0]["value"], value="$.data[0].value")
    yield row("watttime-login.json", now=None, value="$.token")

    name = "nordpool-dayaheadprices.json"
    data = load(name)["multiAreaEntries"]
    yield row(name, [[at(x["deliveryStart"]), x["entryPerArea"]["DK1"]] for x in data], end=at(data[-1]["deliveryEnd"]),
              time="$.multiAreaEntries[*].deliveryStart", value="$.multiAreaEntries[*].entryPerArea.DK1")
    name = "awattar-marketdata.json"
    data = load(name)["data"]
    yield row(name, [[x["start_timestamp"] // 1000, x["marketprice"]] for x in data], end=data[-1]["end_timestamp"] // 1000,
              time="$.data[*].start_timestamp", value="$.data[*].marketprice")
    name = "energy-charts-price.json"
    answer = load(name)
    yield row(name, [list(x) for x in zip(answer["unix_seconds"], answer["price"])], end=answer["unix_seconds"][-1] + 900,
              time="$.unix_seconds[*]", value="$.price[*]")
    name = "tibber-priceinfo.json"
    info = load(name)["data"]["viewer"]["homes"][0]["currentSubscription"]["priceInfo"]
    prices = info["today"] + info["tomorrow"]
    price = "$.data.viewer.homes[0].currentSubscription.priceInfo.*[*]"
    yield row(name, [[at(x["startsAt"]), x["total"]] for x in prices], end=at(prices[-1]["startsAt"]) + 900,
              time=price + ".startsAt", value=price + ".total")
    name = "octopus-agile-standard-unit-rates.json"
    data = load(name)["results"]
    yield row(name, [[at(x["valid_from"]), x["value_inc_vat"]] for x in data], end=at(data[0]["valid_from"]) + 1800,
              time="$.results[*].valid_from", value="$.results[*].value_inc_vat")
    name = "carbon-aware-sdk-forecasts-current.json"
    data = load(name)[0]["forecastData"]
    yield row(name, [[at(x["timestamp"]), x["value"]] for x in data], end=at(data[-1]["timestamp"]) + data[-1]["duration"] * 60,
              time="$[0].forecastData[*].timestamp", value="$[0].forecastData[*].value")

    name = "open-meteo-minutely15.json"
    data = load(name)["minutely_15"]
    # Each is the mean of the quarter hour, or the hour, before its time.
    yield row(name, [[t - 900, None if x is None else x * 0.24] for t, x in zip(data["time"], data["global_tilted_irradiance"])],
              end=data["time"][-1], time="$.minutely_15.time[*]", value="$.minutely_15.global_tilted_irradiance[*]", factor=0.24, stamp="end")
    name = "open-meteo-iso.json"
    data = load(name)["hourly"]
    yield row(name, [[at(t + ":00") - 3600, x * 0.24] for t, x in zip(data["time"], data["shortwave_radiation"])],
              end=at(data["time"][-1] + ":00"), time="$.hourly.time[*]", value="$.hourly.shortwave_radiation[*]", factor=0.24, stamp="end")
    name = "forecast-solar-estimate.json"
    power = load(name)["result"]["watts"]
    times = sorted(at(t) for t in power)
    yield row(name, [[at(t), x] for t, x in power.items()], end=2 * times[-1] - times[-2], time="key", value="$.result.watts.*")
    name = "forecast-solar-429.json"
    yield row(name, error=load(name)["message"]["text"], time="key", value="$.result.watts.*")

    name = "fronius-powerflow-day.json"
    yield row(name, now=load(name)["Body"]["Data"]["Site"]["P_PV"], value="$.Body.Data.Site.P_PV", null="zero")
    yield row("fronius-powerflow-night.json", now=0, value="$.Body.Data.Site.P_PV", null="zero")
    yield row("fronius-powerflow-night.json", now=None, value="$.Body.Data.Site.P_PV")
    name = "sma-dyn-getdashvalues.json"
    inverter = list(load(name)["result"].values())[0]
    yield row(name, now=inverter["6100_40263F00"]["1"][0]["val"], value="$.result.*['6100_40263F00']['1'][0].val", null="zero")
    name = "home-assistant-state.json"
    yield row(name, now=float(load(name)["state"]), value="$.state")
    yield row("home-assistant-state-unavailable.json", now=None, value="$.state")
    name = "openems-channel.json"
    yield row(name, now=load(name)["value"], value="$.value", null="zero")
    name = "victron-vrm-stats-forecast.json"
    data = load(name)["records"]["solar_yield_forecast"]
    yield row(name, [[t // 1000, x] for t, x in data], end=data[-1][0] // 1000 + 3600,
              time="$.records.solar_yield_forecast[*][0]", value="$.records.solar_yield_forecast[*][1]")
    name = "shelly-gen2-switch-getstatus.json"
    yield row(name, now=load(name)["apower"], value="$.apower")

    name = "prometheus-query-vector.json"
    yield row(name, now=float(load(name)["data"]["result"][0]["value"][1]), value="$.data.result[*].value[1]")
    name = "prometheus-query-scalar.json"
    yield row(name, now=float(load(name)["data"]["result"][1]), value="$.data.result[1]")
    yield row("prometheus-query-empty.json", now=None, value="$.data.result[*].value[1]", null="zero")
    name = "prometheus-query-range.json"
    data = load(name)["data"]["result"][0]["values"]
    yield row(name, [[int(t), None if x == "NaN" else float(x)] for t, x in data], end=data[-1][0] + 60,
              time="$.data.result[0].values[*][0]", value="$.data.result[0].values[*][1]")
    name = "prometheus-error.json"
    yield row(name, error=load(name)["error"], value="$.data.result[*].value[1]")

    # 22:00 for an hour, 23:00 for an hour, nothing for half an hour, and half an hour from 00:30 on.
    name = "openadr3-events.json"
    limits = [[p["values"][0] for p in i["payloads"] if p["type"] == "IMPORT_CAPACITY_LIMIT"][0] * 1000 for i in load(name)[0]["intervals"]]
    start = at("2026-06-15T22:00:00Z")
    yield row(name, [[start, limits[0]], [start + 3600, limits[1]], [start + 7200, None], [start + 9000, limits[2]]], end=start + 10800,
              start="$[0].intervalPeriod.start", time="$[0].intervals[*].intervalPeriod.start",
              step=["$[0].intervals[*].intervalPeriod.duration", "$[0].intervalPeriod.duration"],
              value="$[0].intervals[*].payloads[?@.type=='IMPORT_CAPACITY_LIMIT'].values[0]", factor=1000)

    name = "entsoe-fms-EnergyPrices_12.1.D_r3.tsv"
    data = list(csv.DictReader((HERE / name).open(), delimiter="\t"))
    prices = [[at(x["DateTime(UTC)"].replace(" ", "T")), float(x["Price[Currency/MWh]"])] for x in data if x["ContractType"] == "Day-ahead"]
    yield row(name, prices, end=prices[-1][0] + 900, columns=[["DateTime(UTC)"], ["Price[Currency/MWh]"]],
              only=[["ContractType", ["Day-ahead"]], ["Sequence", ["", "1"]]])

    def european(text, zones):
        for words, zone in zones:
            if words in text:
                return int(datetime.strptime(text.replace(words, ""), "%d/%m/%Y %H:%M:%S").replace(tzinfo=zone).timestamp())
        raise ValueError(text)

    for name, column, zones in [("entsoe-gui-prices.csv", "MTU (UTC)", [("", timezone.utc)]),
                                ("entsoe-gui-prices-cet-dst.csv", "MTU (CET/CEST)", [(" (CET)", CET), (" (CEST)", CEST)])]:
        data = list(csv.DictReader((HERE / name).open()))
        periods = [[european(t, zones) for t in x[column].split(" - ")] for x in data]
        prices = [float(x["Day-ahead Price (EUR/MWh)"]) for x in data]
        yield row(name, [[begin, price] for (begin, _), price in zip(periods, prices)], end=periods[-1][1],
                  columns=[[column], ["Day-ahead Price (EUR/MWh)"]])
    name = "series.csv"
    data = list(csv.DictReader((HERE / name).open()))
    yield row(name, [[at(x["time"]), float(x["power"]) if x["power"] else None] for x in data], end=at(data[-1]["time"]) + 3600,
              columns=[["time"], ["power"]])


print("[\n" + ",\n".join(json.dumps(row) for row in rows()) + "\n]")
