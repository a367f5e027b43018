namespace Mesh.Babel.Tests.Network;

/// <summary>Random faults of links and nodes.</summary>
internal static class Churn
{
    /// <summary>One random fault, or the end of one.</summary>
    public static void Disturb(VirtualNetwork network)
    {
        VirtualLink link = network.Links[network.Random.Below(network.Links.Count)];
        if (network.Rtt is not null)
        {
            foreach (VirtualLink any in network.Links.Where(_ => network.Random.Chance(0.5)))
                any.Latency = TimeSpan.FromMilliseconds(1 + network.Random.Below(400));
        }

        VirtualNode node = network.Nodes[network.Random.Below(network.Nodes.Count)];
        switch (network.Random.Below(8))
        {
            case 0 or 1:
                link.IsUp = !link.IsUp;
                break;
            case 2:
                link.IsUp = false;
                foreach (VirtualNode end in link.Ends.Where(n => n.IsAlive))
                    end.Do(s => s.LinkDown(link.Id, network.Now));
                break;
            case 3:
                link.Loss = network.Random.Below(60) / 100.0;
                break;
            case 4 when node.IsAlive:
                node.Crash();
                break;
            case 4 or 5 when !node.IsAlive && network.Now - node.CrashedAt >= network.MinDowntime:
                node.Start();
                break;
            case 5 when node.IsAlive:
                node.Do(s => s.Withdraw(node.Prefix, network.Now));
                network.RunFor(TimeSpan.FromMilliseconds(network.Random.Below(3000)));
                node.Do(s => s.Announce(node.Prefix, network.Now));
                break;
            case 6 when node.IsAlive && node.Speaker.Neighbours() is { Count: > 0 } neighbours:
                NeighbourSnapshot neighbour = neighbours[network.Random.Below(neighbours.Count)];
                ushort multiplier = (ushort)(network.Random.Below(3) switch { 0 => 0, 1 => 256, _ => 1024 });
                node.Do(s => s.SetCostMultiplier(neighbour.Interface, neighbour.Address, multiplier, network.Now));
                break;
            default:
                link.IsUp = true;
                break;
        }
    }

    /// <summary>Everything works again.</summary>
    public static void Heal(VirtualNetwork network)
    {
        foreach (VirtualLink link in network.Links)
            (link.IsUp, link.Loss) = (true, 0);
        foreach (VirtualNode node in network.Nodes)
        {
            if (!node.IsAlive)
                node.Start();
            node.Do(s =>
            {
                foreach (NeighbourSnapshot neighbour in s.Neighbours())
                    _ = s.SetCostMultiplier(neighbour.Interface, neighbour.Address, 256, network.Now);
            });
        }
    }
}
