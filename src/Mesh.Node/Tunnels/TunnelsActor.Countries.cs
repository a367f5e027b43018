using System.Net;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <content>In which country we are: the operator says so, or where it matters the registry knows it from an address at which others see us.</content>
public sealed partial class TunnelsActor
{
    private static readonly TimeSpan CountryPause = TimeSpan.FromMinutes(10);

    private CountryRule _countries;
    private IPAddress? _seenAt;
    private TimeSpan _countryAgainAt;

    private void OnCountries(IReadOnlyList<string>? countries)
    {
        _countries = _countries with { Countries = countries is null ? [] : [.. countries] };
        AskForCountry();
    }

    private void OnOwnAddressSeen(IPAddress address)
    {
        _seenAt ??= address;   // any of them is in our country
        AskForCountry();
    }

    private void AskForCountry()
    {
        IPAddress? own = _advertised.Select(static a => IPAddress.TryParse(a.Host, out IPAddress? address) ? address : null).FirstOrDefault(static a => a is not null) ?? _seenAt;
        if (!_countries.Matters || _countries.Own is not null || own is null || Context.Now < _countryAgainAt)
            return;
        _countryAgainAt = Context.Now + CountryPause;
        _bootstrap.Tell(new CountryWanted(own.ToString()), Self);
    }

    private void OnCountry(CountryFound found)
    {
        Log.Info($"this node is in {found.Country}");
        SetCountry(found.Country);
        if (_advertised.Count > 0)
            AdvertisedChanged();
    }

    // Others have to know it, too, or they cannot keep to the rule.
    private void SetCountry(string country)
    {
        _countries = _countries with { Own = country };
        _advertised = new AddressList([.. _advertised.Select(InOurCountry)]);
    }

    private AdvertisedAddress InOurCountry(AdvertisedAddress address) => address.Country is null && _countries.Own is { } country ? new AdvertisedAddress(address.Host, address.Port, address.Protocol, country) : address;
}
