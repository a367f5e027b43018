using System.Diagnostics;
using System.Globalization;
using Mesh.Actors;
using Mesh.Cli.Control;
using Mesh.Cli.Registry;
using Mesh.Cli.Tests.Processes;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Tests.Registry;

/// <summary>A registry process that is killed (SIGKILL) again and again while several clients work with it.</summary>
/// <remarks>
/// After each restart everything that was confirmed is there, nothing was given twice, and no more has happened than was asked for. What a client had asked for when the
/// process died has happened in full or not at all. <c>CRASH_KILLS</c> is how often it is killed, <c>CRASH_SEED</c> from which seed the moments and the requests
/// come: <c>CRASH_KILLS=200</c> is the long run, three to ten minutes. A run of a seed asks the same requests, but the process dies where the machine has come to.
/// </remarks>
public sealed class CrashCampaignTests
{
    private const int DefaultKills = 15;
    private const ulong DefaultSeed = 1;
    private const int Clients = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), ShortPatience = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task Nothing_that_was_confirmed_is_lost_and_nothing_is_given_twice_however_often_the_registry_is_killed()
    {
        int kills = Setting("CRASH_KILLS", DefaultKills);
        ulong seed = Setting("CRASH_SEED", DefaultSeed);
        var random = new DeterministicRandom(seed);
        using var folder = new TempFolder();
        string dir = folder["registry"];
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        Assert.True(AuthorityCertificate.TryParsePem(await File.ReadAllTextAsync(Path.Combine(dir, "ca.crt"), TestContext.Current.CancellationToken), out AuthorityCertificate? authority));
        CampaignClient[] clients = [.. Enumerable.Range(0, Clients).Select(index => new CampaignClient($"client{index}", seed + (ulong)index, authority))];
        try
        {
            await using (MeshProcess first = Start(dir))
                await JoinAsync(clients[0], await first.ReadLineAsync());
            for (int kill = 1; kill <= kills; kill++)
            {
                await using MeshProcess registry = Start(dir);
                // One in eight dies while it starts, and reads its journal back: clients do not even get to it.
                if (random.Next(8) == 0)
                {
                    await Task.Delay(random.Next(50, 500), TestContext.Current.CancellationToken);
                    await registry.KillAsync();
                    continue;
                }

                string url = await registry.ReadLineAsync();
                try
                {
                    await CheckAsync(clients, url, dir);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"after {kill - 1} kills of seed {seed}: {e.Message}", e);
                }

                Task[] working = [.. clients.Select(client => Task.Run(() => client.WorkAsync(url, dir)))];
                await Task.Delay(random.Next(1, 600), TestContext.Current.CancellationToken);
                await registry.KillAsync();
                await Task.WhenAll(working);
            }

            await using MeshProcess last = Start(dir);
            await CheckAsync(clients, await last.ReadLineAsync(), dir);
            Assert.True(clients.Sum(static client => client.AnsweredCount) > 10 * kills, "the clients hardly got anything done");
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{kills} kills, {clients.Sum(static c => c.AnsweredCount)} answers, {clients.Sum(static c => c.Issued.Count)} certificates, {clients.Sum(static c => c.Revoked.Count)} revocations, version {clients.Max(static c => c.Version)}"));
        }
        finally
        {
            foreach (CampaignClient client in clients)
                client.Dispose();
        }
    }

    [Fact]
    public async Task A_registry_that_goes_back_to_an_older_journal_is_found_out()
    {
        using var folder = new TempFolder();
        string dir = folder["registry"], backup = folder["backup"];
        using CampaignClient client = await BeginAsync(dir);
        await WorkAsync(client, dir, TimeSpan.FromMilliseconds(300));
        Directory.CreateDirectory(backup);
        foreach (string file in Directory.GetFiles(dir, "registry.db*"))
            File.Copy(file, Path.Combine(backup, Path.GetFileName(file)));
        await WorkAsync(client, dir, TimeSpan.FromMilliseconds(300));
        foreach (string file in Directory.GetFiles(dir, "registry.db*"))
            File.Delete(file);
        foreach (string file in Directory.GetFiles(backup))
            File.Copy(file, Path.Combine(dir, Path.GetFileName(file)));
        await using MeshProcess registry = Start(dir);
        string url = await registry.ReadLineAsync();
        _ = await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => CheckAsync([client], url, dir));
    }

    private static async Task<CampaignClient> BeginAsync(string dir)
    {
        JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", dir));
        Assert.True(AuthorityCertificate.TryParsePem(await File.ReadAllTextAsync(Path.Combine(dir, "ca.crt"), TestContext.Current.CancellationToken), out AuthorityCertificate? authority));
        var client = new CampaignClient("client", DefaultSeed, authority);
        await using MeshProcess registry = Start(dir);
        await JoinAsync(client, await registry.ReadLineAsync());
        return client;
    }

    private static async Task WorkAsync(CampaignClient client, string dir, TimeSpan duration)
    {
        await using MeshProcess registry = Start(dir);
        string url = await registry.ReadLineAsync();
        await CheckAsync([client], url, dir);
        var working = Task.Run(() => client.WorkAsync(url, dir));
        await Task.Delay(duration, TestContext.Current.CancellationToken);
        await registry.KillAsync();
        await working;
        Assert.NotEqual(0, client.AnsweredCount);
    }

    // Snapshots are taken often, so that many starts begin with one; and a certificate is old enough to be renewed a second after it was made.
    private static MeshProcess Start(string dir) => MeshProcess.Start(
        "registry", "run", "--dir", dir, "--listen", "127.0.0.1:0", "--set", "registry.snapshot-interval=25",
        "--set", "registry.certificate-lifetime=31536000s", "--set", "registry.renew-period=31535999s", "--set", "registry.sqlite.checkpoint-pages=64");

    // The node next to the registry, which cannot be revoked by its name: it is there to ask for the parameters.
    private static async Task JoinAsync(CampaignClient client, string url)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        using HttpResponseMessage added = await http.GetAsync(new Uri("/addToken?email=anchor&token=anchor", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.NoContent, added.StatusCode);
        NodeCertificate certificate = await client.RepeatAsync("anchor", http);
        client.Anchor = new CampaignNode(certificate.Prefix, "anchor") { Serial = certificate.SerialNumber, SubjectSerial = certificate.SubjectSerial };
        client.Issued.Add(certificate.SerialNumber, certificate.ToPem());
    }

    private static async Task CheckAsync(CampaignClient[] clients, string url, string dir)
    {
        using ControlClient control = RunningRegistry.Connect(dir);
        Dictionary<string, TokenReport> tokens = (await control.AskAsync<TokenReport[]>(RegistryControl.ListTokens, argument: null, CancellationToken.None))
            .ToDictionary(static token => token.Token, StringComparer.Ordinal);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url) };
        CampaignNode anchor = clients[0].Anchor!;
        anchor.Session.Forget();
        NetworkParameters parameters = await clients[0].ParametersAsync(anchor, http);
        Assert.All(clients, client => Assert.True(parameters.Version.Number >= client.Version, $"version {parameters.Version.Number} after {client.Version}"));
        HashSet<ulong> revoked = [.. parameters.RevokedSerials];
        Dictionary<NodePrefix, NodeReport> nodes = await NodesAsync(control, clients, revoked);

        foreach (CampaignClient client in clients)
            await ResolveAsync(client, tokens, nodes, revoked, http);

        // All that was confirmed, as it was confirmed, and nothing else.
        Assert.Equal(clients.SelectMany(static c => c.Tokens).OrderBy(static t => t.Key, StringComparer.Ordinal), tokens.Values.Select(static t => KeyValuePair.Create(t.Token, t.UsesLeft)).OrderBy(static t => t.Key, StringComparer.Ordinal));
        CampaignNode[] excluded = [.. clients.SelectMany(static c => c.Excluded.Values)];
        CampaignNode[] known = [anchor, .. clients.SelectMany(static c => c.Nodes.Values), .. excluded];
        Assert.Equal(
            known.Select(n => (n.Prefix, n.Serial, (string?)n.Token, excluded.Contains(n))).OrderBy(static n => n.Prefix),
            nodes.Select(static n => (n.Key, n.Value.Serial, n.Value.Email, n.Value.IsRevoked)).OrderBy(static n => n.Key));
        Assert.Equal(clients.SelectMany(static c => c.Revoked).Order(), revoked.Order());

        // Nothing twice.
        NodePrefix[] prefixes = [.. nodes.Keys.Order()];
        Assert.All(prefixes.Zip(prefixes.Skip(1)), static pair => Assert.False(pair.First.Covers(pair.Second)));
        Assert.Distinct(clients.SelectMany(static c => c.Issued.Keys));
        Assert.Distinct(known.Where(static n => n.SubjectSerial is not null).Select(static n => n.SubjectSerial));
    }

    // A revocation that was on the list when the process died, and not carried out yet, is carried out after the start: so for those in doubt, a little later.
    private static async Task<Dictionary<NodePrefix, NodeReport>> NodesAsync(ControlClient control, CampaignClient[] clients, HashSet<ulong> revoked)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            Dictionary<NodePrefix, NodeReport> nodes = (await control.AskAsync<NodeReport[]>(RegistryControl.ListNodes, argument: null, CancellationToken.None))
                .ToDictionary(static node => NodePrefix.ParseCommonName(node.Prefix));
            CampaignClient[] pending = [.. clients.Where(client => client.InDoubt is CampaignExclude or CampaignFree && ((CampaignRevocation)client.InDoubt).Node is { } asked
                && revoked.Contains(asked.Serial) && nodes.Values.Any(node => node.Serial == asked.Serial && !node.IsRevoked))];
            // Who was made to renew before is on the list in any case, and perhaps nothing else is to come.
            bool isSure = pending.Any(static client => !client.Revoked.Contains(((CampaignRevocation)client.InDoubt!).Node.Serial));
            if (pending.Length == 0 || Stopwatch.GetElapsedTime(start) > (isSure ? Patience : ShortPatience))
                return nodes;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
        }
    }

    // What was asked for when the process died has happened or not. From now on it counts as confirmed.
    private static async Task ResolveAsync(
        CampaignClient client, Dictionary<string, TokenReport> tokens, Dictionary<NodePrefix, NodeReport> nodes, HashSet<ulong> revoked, HttpClient http)
    {
        switch (client.InDoubt)
        {
            case CampaignAddToken add when tokens.ContainsKey(add.Token):
                client.Tokens.Add(add.Token, add.Uses);
                break;
            case CampaignDeleteToken delete when !tokens.ContainsKey(delete.Token):
                _ = client.Tokens.Remove(delete.Token);
                break;
            case CampaignJoin join when nodes.Values.SingleOrDefault(node => IsNew(client, join.Token, node)) is { } joined:
                // The last use of a token gives its certificate again to who has the key.
                if (client.Tokens[join.Token] == 1)
                {
                    NodeCertificate again = await client.RepeatAsync(join.Token, http);
                    Assert.Equal((joined.Prefix, joined.Serial), (again.Prefix.CommonName, again.SerialNumber));
                    client.Joined(join.Token, again);
                    break;
                }

                var prefix = NodePrefix.ParseCommonName(joined.Prefix);
                client.Nodes.Add(prefix, new CampaignNode(prefix, join.Token) { Serial = joined.Serial, SubjectSerial = null });
                client.Tokens[join.Token]--;
                break;
            case CampaignRenew renew when nodes.TryGetValue(renew.Node.Prefix, out NodeReport? node) && node.Serial != renew.Node.Serial:
                Assert.True(node.Serial > renew.Node.Serial && !client.Issued.ContainsKey(node.Serial), $"{renew.Node.Prefix} has serial number {node.Serial} after {renew.Node.Serial}");
                renew.Node.Serial = node.Serial;
                break;
            case CampaignRevocation revocation when revoked.Contains(revocation.Node.Serial) && !client.Revoked.Contains(revocation.Node.Serial):
                client.Revoke(revocation);
                break;
            // It had been made to renew before, so the list does not tell.
            case CampaignExclude exclude when nodes.TryGetValue(exclude.Node.Prefix, out NodeReport? left) && left.IsRevoked:
                client.Revoke(exclude);
                break;
            case CampaignFree free when !nodes.TryGetValue(free.Node.Prefix, out NodeReport? left) || left.Serial != free.Node.Serial:
                client.Revoke(free);
                break;
        }

        client.InDoubt = null;
    }

    private static bool IsNew(CampaignClient client, string token, NodeReport node) =>
        node.Email == token && NodePrefix.ParseCommonName(node.Prefix) is var prefix && !client.Nodes.ContainsKey(prefix) && !client.Excluded.ContainsKey(prefix);

    private static T Setting<T>(string name, T fallback)
        where T : IParsable<T> => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? T.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
