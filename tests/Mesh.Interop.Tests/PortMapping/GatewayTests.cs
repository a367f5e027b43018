using System.Net;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.PortMapping;

namespace Mesh.Interop.Tests.PortMapping;

/// <summary>With miniupnpd, a gateway that many routers run.</summary>
public sealed class GatewayTests
{
    private static readonly string[] Both = ["tcp 6626", "udp 6626"];

    public static TheoryData<PortMappingMethod> Methods => [PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp];

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task A_port_is_mapped_reached_from_outside_and_given_back(PortMappingMethod method)
    {
        using var host = new MappedHost();
        host.Router.Serve(natPmp: method != PortMappingMethod.Upnp, upnp: method == PortMappingMethod.Upnp);
        host.Start(MappedHost.Options(method) with { MinRetryDelay = TimeSpan.FromSeconds(1) });
        PortMappingStatus status = await host.AwaitAsync("mapped", static s => s is { State: PortMappingState.Mapped, Mappings.Length: 2 });
        Assert.Equal((method, host.Router.Inside), (status.Method, status.Gateway));
        Assert.All(status.Mappings, static m => Assert.Equal((IPAddress.Parse("20.0.0.2"), MappedHost.Port), (m.ExternalAddress, m.ExternalPort)));
        Assert.Equal(Both, host.Router.Mappings());
        Assert.True(await host.IsReachedAsync(MappedHost.Port));
        await host.ReleaseAsync();
        Assert.Empty(host.Router.Mappings());
        Assert.Equal(PortMappingState.Released, (await host.StatusAsync()).State);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task A_mapping_is_renewed_before_its_time_is_over(PortMappingMethod method)
    {
        using var host = new MappedHost();
        host.Router.Serve(natPmp: method != PortMappingMethod.Upnp, upnp: method == PortMappingMethod.Upnp);
        host.Start(MappedHost.Options(method) with { MinRetryDelay = TimeSpan.FromSeconds(1), Lifetime = TimeSpan.FromSeconds(12) });
        PortMappingStatus first = await host.AwaitAsync("mapped", static s => s is { State: PortMappingState.Mapped, Mappings.Length: 2 });
        DateTimeOffset end = first.Mappings.Max(static m => m.Until!.Value);
        Assert.InRange(end - DateTimeOffset.UtcNow, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(13));
        await host.AwaitAsync("still mapped after its first time", s => s.State == PortMappingState.Mapped && DateTimeOffset.UtcNow > end + TimeSpan.FromSeconds(3));
        Assert.Equal(Both, host.Router.Mappings());
        Assert.DoesNotContain(PortMappingCounter.Lost, (await host.StatusAsync()).Counters.Keys);
    }

    [Theory]
    [InlineData(PortMappingMethod.Pcp)]
    [InlineData(PortMappingMethod.NatPmp)]
    public async Task A_gateway_that_is_switched_off_and_on_maps_again_at_once(PortMappingMethod method)
    {
        using var host = new MappedHost();
        host.Router.Serve(upnp: false);
        host.Start(MappedHost.Options(method));
        await host.AwaitAsync("mapped", static s => s.State == PortMappingState.Mapped);
        await Task.Delay(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);   // a gateway that had its state for less than that could have gone on
        host.Router.Forget();
        Assert.Empty(host.Router.Mappings());
        host.Router.Serve(upnp: false);
        // It announces itself, and we answer within five seconds.
        await host.AwaitAsync("a restart that is noticed", static s => s.Counters.ContainsKey(PortMappingCounter.GatewayRestarts));
        await Eventually.TrueAsync(() => host.Router.Mappings().SequenceEqual(Both), "mapped again", () => host.Router.Said);
    }

    [Fact]
    public async Task Where_PCP_and_UPnP_are_allowed_and_only_UPnP_is_spoken_it_is_found()
    {
        using var host = new MappedHost();
        host.Router.Serve(natPmp: false);
        host.Start(MappedHost.Options(PortMappingMethod.Pcp) with { Methods = [PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp] });
        PortMappingStatus status = await host.AwaitAsync("mapped", static s => s.State == PortMappingState.Mapped);
        Assert.Equal(PortMappingMethod.Upnp, status.Method);
        Assert.Equal(Both, host.Router.Mappings());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task What_a_crash_has_left_is_taken_over_and_what_is_not_wanted_any_more_ended(PortMappingMethod method)
    {
        using var host = new MappedHost();
        host.Router.Serve(natPmp: method != PortMappingMethod.Upnp, upnp: method == PortMappingMethod.Upnp);
        host.Start(MappedHost.Options(method) with { MinRetryDelay = TimeSpan.FromSeconds(1) });
        await host.AwaitAsync("mapped", static s => s is { State: PortMappingState.Mapped, Mappings.Length: 2 });
        host.Crash();
        Assert.Equal(Both, host.Router.Mappings());
        PortMappingOptions other = MappedHost.Options(method, port: 7000);
        host.Start(other with { Ports = [other.Ports[0], MappedHost.Options(method).Ports[1]] });
        await host.AwaitAsync("mapped", static s => s is { State: PortMappingState.Mapped, Mappings.Length: 2 });
        await Eventually.TrueAsync(() => host.Router.Mappings().SequenceEqual(["tcp 7000", "udp 6626"]), "the old mapping ended", () => $"{string.Join(", ", host.Router.Mappings())}\n{host.Router.Said}");
    }

    [Fact]
    public async Task Where_nobody_maps_it_rests_and_a_gateway_that_begins_to_is_heard()
    {
        using var host = new MappedHost();
        host.Start(MappedHost.Options(PortMappingMethod.Pcp));
        PortMappingStatus status = await host.AwaitAsync("at rest", static s => s.State == PortMappingState.Resting);
        Assert.Contains("nobody listens at 10.1.0.254:5351", status.Problem, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(11), TestContext.Current.CancellationToken);
        host.Router.Serve(upnp: false);
        await host.AwaitAsync("mapped", static s => s.State == PortMappingState.Mapped);   // long before a minute is over
    }
}
