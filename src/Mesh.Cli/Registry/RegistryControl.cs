using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Cli.Control;
using Mesh.Protocol.Addressing;
using Mesh.Registry;

namespace Mesh.Cli.Registry;

/// <summary>A token to add, as the command line asks for it.</summary>
internal sealed record TokenOrder(string Email, string? Token, int? PrefixLength, int Uses, double? LifetimeSeconds, string? Note);

/// <summary>A token as the command line shows it.</summary>
internal sealed record TokenReport(string Token, string Email, int PrefixLength, int UsesLeft, DateTimeOffset Expires, string? Note);

/// <summary>A token that was just stored.</summary>
internal sealed record TokenAddedReport(string Token, DateTimeOffset Expires);

/// <summary>A node as the command line shows it.</summary>
internal sealed record NodeReport(string Prefix, string Subnet, string Address, string? Email, ulong Serial, DateTimeOffset NotAfter);

/// <summary>Answers the administrator's requests to a running registry.</summary>
internal sealed class RegistryControl(ActorRef registry, NetworkPrefix network)
{
    public const string AddToken = "token-add", ListTokens = "token-list", DeleteToken = "token-delete", ListNodes = "nodes";

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
            default:
                return ControlAnswer.Refuse($"the registry does not know the request '{request.Name}'; is it of another version?", isUsage: true);
        }
    }

    private static AddToken ToCommand(TokenOrder order) => new(order.Email, order.Token)
    {
        PrefixLength = order.PrefixLength,
        Uses = order.Uses,
        Lifetime = order.LifetimeSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        Note = order.Note,
    };

    private Task<RegistryAnswer> AskAsync(RegistryCommand command) => registry.Ask<RegistryAnswer>(command, Timeout);

    private ControlAnswer ToAnswer(RegistryAnswer answer) => answer switch
    {
        TokenAccepted accepted => ControlAnswer.Of(new TokenAddedReport(accepted.Token, accepted.Expires)),
        TokenExists => ControlAnswer.Refuse("there is such a token already"),
        RegistrationDisabled => ControlAnswer.Refuse("this registry does not let nodes join by token: registry.prefix-length is 0"),
        Refused refused => ControlAnswer.Refuse(refused.Reason, isUsage: true),
        TokenList list => ControlAnswer.Of(list.Tokens.Select(static t => new TokenReport(t.Key, t.Value.Email, t.Value.PrefixLength, t.Value.UsesLeft, t.Value.Expires, t.Value.Note)).ToArray()),
        NodeList list => ControlAnswer.Of(list.Nodes.Select(Describe).ToArray()),
        Done => ControlAnswer.Of(true),
        Overloaded => ControlAnswer.Refuse("the registry is overloaded; try again in a few seconds"),
        _ => ControlAnswer.Refuse($"the registry answered {answer.GetType().Name}"),
    };

    private NodeReport Describe(RegisteredNode node) => new(
        node.Prefix.CommonName, node.Prefix.Subnet(network).ToString(), node.Prefix.NodeAddress(network).ToString(), node.Email, node.Serial, node.NotAfter);
}
