using System.Net;
using Mesh.Registry.Geography;

namespace Mesh.Registry.Tests.Geography;

/// <summary>A country database in memory.</summary>
internal sealed class FakeCountries(params (string Address, string Location)[] places) : ICountries
{
    /// <summary>Every address that was looked up.</summary>
    public List<string> Asked { get; } = [];

    public Country? Find(IPAddress address)
    {
        Asked.Add(address.ToString());
        return places.FirstOrDefault(place => IPAddress.Parse(place.Address).Equals(address)) is { Location: { } location } ? Country.ParseLocation(location) : null;
    }
}
