using System.Net;

namespace Mesh.Registry.Http.Tests;

public sealed class AddressRateLimitTests
{
    private readonly SteppedClock _clock = new();

    [Fact]
    public void A_bucket_empties_and_fills_again_at_its_rate()
    {
        var limit = new AddressRateLimit(rate: 2, burst: 3, _clock);
        IPAddress address = IPAddress.Parse("192.0.2.1");
        for (int request = 0; request < 3; request++)
            Assert.True(limit.TryTake(address, out _));
        Assert.False(limit.TryTake(address, out TimeSpan retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(1), retryAfter);
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.True(limit.TryTake(address, out _));
        Assert.False(limit.TryTake(address, out _));
        _clock.Advance(TimeSpan.FromHours(1));
        for (int request = 0; request < 3; request++)
            Assert.True(limit.TryTake(address, out _));
        Assert.False(limit.TryTake(address, out _));
        Assert.Equal(3, limit.RefusedCount);
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:2", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void Addresses_of_one_customer_share_a_bucket(string first, string second, bool areShared)
    {
        var limit = new AddressRateLimit(rate: 1, burst: 1, _clock);
        Assert.True(limit.TryTake(IPAddress.Parse(first), out _));
        Assert.Equal(!areShared, limit.TryTake(IPAddress.Parse(second), out _));
    }

    [Fact]
    public void Too_many_addresses_share_one_bucket_and_known_ones_keep_theirs()
    {
        var limit = new AddressRateLimit(rate: 1, burst: 2, _clock, maxAddresses: 2);
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.1"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.2"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.3"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.4"), out _));
        Assert.False(limit.TryTake(IPAddress.Parse("192.0.2.5"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.1"), out _));
        _clock.Advance(TimeSpan.FromMinutes(1));   // full buckets are forgotten, so there is room again
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.5"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.5"), out _));
        Assert.False(limit.TryTake(IPAddress.Parse("192.0.2.5"), out _));
    }

    [Fact]
    public void All_addresses_are_looked_through_once_a_second_at_most()
    {
        var limit = new AddressRateLimit(rate: 100, burst: 1, _clock, maxAddresses: 1);
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.1"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.2"), out _));
        _clock.Advance(TimeSpan.FromSeconds(0.5));   // the first one could be forgotten now, but nobody looks
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.3"), out _));
        Assert.False(limit.TryTake(IPAddress.Parse("192.0.2.4"), out _));
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.5"), out _));
        Assert.True(limit.TryTake(IPAddress.Parse("192.0.2.6"), out _));
    }
}
