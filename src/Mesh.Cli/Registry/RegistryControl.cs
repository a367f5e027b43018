using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Cli.Control;
using Mesh.Registry;
using Mesh.Registry.Parameters;
using Mesh.Registry.Rotation;

namespace Mesh.Cli.Registry;

/// <summary>A token to add, as the command line asks for it.</summary>
internal sealed record TokenOrder(string Email, string? Token, int? PrefixLength, int Uses, double? LifetimeSeconds, string? Note);

/// <summary>A token as the command line shows it.</summary>
internal sealed record TokenReport(string Token, string Email, int PrefixLength, int UsesLeft, DateTimeOffset Expires, string? Note);

/// <summary>A token that was just stored.</summary>
internal sealed record TokenAddedReport(string Token, DateTimeOffset Expires);

/// <summary>A node as the command line shows it.</summary>
internal sealed record NodeReport(string Prefix, string Subnet, string Address, string? Email, ulong Serial, DateTimeOffset NotAfter, bool IsRevoked);

/// <summary>A certificate or node to revoke.</summary>
internal sealed record RevokeOrder(string CommonNameOrSerial, bool IsRenewable);

/// <summary>Where the rotation of the routing keys stands, as the command line shows it.</summary>
/// <param name="State">none, init, stable, prepare or switch.</param>
/// <param name="Since">When the state was entered.</param>
/// <param name="SafeAt">From when on the next step strands nobody.</param>
/// <param name="IsRotating">True while the registry takes the steps by itself.</param>
/// <param name="ValidUntil">What nodes are told in state prepare.</param>
/// <param name="Version">The published version of the parameters.</param>
/// <param name="Nodes">Nodes with a certificate.</param>
/// <param name="NotFetchedBy">Those of them that have not asked for this version since the registry was started.</param>
internal sealed record HmacReport(
    string State, DateTimeOffset Since, DateTimeOffset SafeAt, bool IsRotating, DateTimeOffset? ValidUntil, ulong Version, int Nodes, IReadOnlyList<string> NotFetchedBy);

/// <summary>Answers the administrator's requests to a running registry.</summary>
internal sealed class RegistryControl(RegistryActors registry)
{
    public const string AddToken = "token-add", ListTokens = "token-list", DeleteToken = "token-delete", ListNodes = "nodes", Revoke = "revoke";
    public const string HmacStatus = "hmac-status", HmacAdvance = "hmac-advance", HmacRotate = "hmac-rotate", HmacHalt = "hmac-halt";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    /// <summary>Answers one request.</summary>
    public async Task<ControlAnswer> AnswerAsync(ControlRequest request)
    {
        switch (request.Name)
        {
            case AddToken:
                return ToAnswer(await AskAsync(ToCommand(request.Read<TokenOrder>())));
            case DeleteToken:
                string token = request.Read<string>();
                if (await AskAsync(new IsToken(token)) is TokenKnown { IsKnown: false })
                    return ControlAnswer.Refuse("there is no such token: it is mistyped, spent, expired or deleted");
                return ToAnswer(await AskAsync(new DeleteToken(token)));
            case ListTokens:
                return ToAnswer(await AskAsync(new ListTokens()));
            case ListNodes:
                return ToAnswer(await AskAsync(new ListNodes()));
            case Revoke:
                RevokeOrder order = request.Read<RevokeOrder>();
                return ToAnswer(await AskAsync(new Revoke(order.CommonNameOrSerial) { IsRenewable = order.IsRenewable }));
            case HmacStatus:
                return ControlAnswer.Of(await DescribeAsync(await AskAsync<RotationStatus>(registry.Hmac, new GetRotation())));
            case HmacAdvance:
                return await StepAsync(await AskAsync<RegistryAnswer>(registry.Hmac, new AdvanceRotation(request.Read<bool>())));
            case HmacRotate:
                return ControlAnswer.Of(await DescribeAsync(await AskAsync<RotationStatus>(registry.Hmac, new BeginRotation())));
            case HmacHalt:
                return ControlAnswer.Of(await DescribeAsync(await AskAsync<RotationStatus>(registry.Hmac, new HaltRotation())));
            default:
                return ControlAnswer.Refuse($"the registry does not know the request '{request.Name}'; is it of another version?", isUsage: true);
        }
    }

    internal static AddToken ToCommand(TokenOrder order) => new(order.Email, order.Token)
    {
        PrefixLength = order.PrefixLength,
        Uses = order.Uses,
        Lifetime = order.LifetimeSeconds is { } seconds ? SpanOf(seconds) : null,
        Note = order.Note,
    };

    // What no span holds is longer than the registry allows too, and the registry says what it allows.
    private static TimeSpan SpanOf(double seconds) =>
        seconds >= TimeSpan.MaxValue.TotalSeconds ? TimeSpan.MaxValue : seconds <= TimeSpan.MinValue.TotalSeconds ? TimeSpan.MinValue : TimeSpan.FromSeconds(seconds);

    private async Task<ControlAnswer> StepAsync(RegistryAnswer answer)
    {
        if (answer is StepTooEarly early)
        {
            return ControlAnswer.Refuse(
                $"the keys are in state {Name(early.Status.State)} since {early.Status.Since:u}, and the next step is safe from {early.Status.SafeAt:u} on: before that {early.Risk}; --force takes the step nevertheless");
        }

        var stepped = (KeysStepped)answer;
        _ = await AskAsync<RegistryAnswer>(registry.Parameters, new AwaitSteps(stepped.Status.Steps));
        return ControlAnswer.Of(await DescribeAsync(stepped.Status));
    }

    private async Task<HmacReport> DescribeAsync(RotationStatus status)
    {
        PublishedParameters published = await AskAsync<PublishedParameters>(registry.Parameters, new GetPublished());
        Fetches fetches = await AskAsync<Fetches>(registry.Parameters, new GetFetches());
        RegisteredNode[] nodes = [.. ((NodeList)await AskAsync(new ListNodes())).Nodes.Where(static node => !node.IsExcluded)];
        return new HmacReport(
            Name(status.State), status.Since, status.SafeAt, status.IsRotating, status.ValidUntil, published.Number, nodes.Length,
            [.. nodes.Where(node => !fetches.By.Contains(node.Prefix)).Select(static node => node.Prefix.CommonName)]);
    }

    private static string Name(RotationState state) => state.ToString().ToLowerInvariant();

    private Task<RegistryAnswer> AskAsync(RegistryCommand command) => AskAsync<RegistryAnswer>(registry.Registry, command);

    private static Task<T> AskAsync<T>(ActorRef actor, object command) => actor.Ask<T>(command, Timeout);

    private ControlAnswer ToAnswer(RegistryAnswer answer) => answer switch
    {
        TokenAccepted accepted => ControlAnswer.Of(new TokenAddedReport(accepted.Token, accepted.Expires)),
        TokenExists => ControlAnswer.Refuse("there is such a token already"),
        RegistrationDisabled => ControlAnswer.Refuse("this registry does not let nodes join by token: registry.prefix-length is 0"),
        Refused refused => ControlAnswer.Refuse(refused.Reason, isUsage: true),
        TokenList list => ControlAnswer.Of(list.Tokens.Select(static t => new TokenReport(t.Key, t.Value.Email, t.Value.PrefixLength, t.Value.UsesLeft, t.Value.Expires, t.Value.Note)).ToArray()),
        NodeList list => ControlAnswer.Of(list.Nodes.Select(Describe).ToArray()),
        Done => ControlAnswer.Of(true),
        NoCertificate => ControlAnswer.Refuse("there is no such node"),
        Overloaded => ControlAnswer.Refuse("the registry is overloaded; try again in a few seconds"),
        _ => ControlAnswer.Refuse($"the registry answered {answer.GetType().Name}"),
    };

    private NodeReport Describe(RegisteredNode node) => new(
        node.Prefix.CommonName, node.Prefix.Subnet(registry.Authority.Network).ToString(), node.Prefix.NodeAddress(registry.Authority.Network).ToString(),
        node.Email, node.Serial, node.NotAfter, node.IsExcluded);
}
