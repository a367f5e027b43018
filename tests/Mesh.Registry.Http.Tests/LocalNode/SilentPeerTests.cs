using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Http.Tests.LocalNode;

public sealed class SilentPeerTests
{
    [Fact]
    public async Task One_silent_peer_blocks_no_other_request()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(new RegistryOptions { CallTimeout = TimeSpan.FromSeconds(6) }, localNode: new SilentNode());
        NodePrefix node = await RegistryServerTests.JoinAsync(registry, "t");
        Task<RawResponse> versions = registry.GetAsync("/versions");
        Task<RawResponse> topology = registry.GetAsync("/topology");
        await LoopbackRegistry.EventuallyAsync(async () => (await SamplesAsync(registry))["mesh_registry_calls"] == 2);
        for (int request = 0; request < 3; request++)
            Assert.Equal(204, (await registry.GetAsync("/isToken?token=u")).Status);
        Assert.False(versions.IsCompleted || topology.IsCompleted);
        Assert.Equal((200, $"{{\"{node.Bits}\":null}}"), ((await versions).Status, (await versions).Text));
        Assert.Equal((200, """{"":[]}"""), ((await topology).Status, (await topology).Text));
        Assert.InRange((await SamplesAsync(registry))["mesh_registry_local_node_sent_total"], 6, 8);   // both three times, and news of parameters
    }

    private static async Task<Dictionary<string, double>> SamplesAsync(LoopbackRegistry registry) => PrometheusText.Parse((await registry.GetAsync("/metrics")).Text).Samples;

    private sealed class SilentNode : ILocalNodePort
    {
        public void Attach(ActorRef receiver)
        {
        }

        public void Send(ReadOnlyMemory<byte> datagram)
        {
        }
    }
}
