using System.Text;
using System.Text.Json;
using Mesh.Cli.Control;
using Mesh.Cli.Node;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Node.Routing;
using Mesh.Registry;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>The control socket: lines, requests with their arguments, answers.</summary>
internal static class ControlTargets
{
    private static readonly IReadOnlyList<byte[]> Pieces = Target.Tokens("""{ } [ ] " : , null true false "email": "token": "uses": "lifetimeSeconds": "prefixLength": "note": "result": "error": "isUsage": "\ud800" \u0000 1e300 1e309 -1e300 {"a":1}""");

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets("control/line", ["nodes\n"u8.ToArray(), "token-add {}\nx"u8.ToArray()], static octets => ControlLine.ReadAsync(new MemoryStream(octets, writable: false), CancellationToken.None).GetAwaiter().GetResult(),
            Methods.Name(typeof(ControlLine), nameof(ControlLine.ReadAsync))) with { Expected = typeof(IOException), MaxLength = 20_000, BaseOctets = 64 * 1024 },
        Target.Text("control/request", ["nodes", "token-delete \"x\""], static text => ControlRequest.Parse(text), Methods.Name(typeof(ControlRequest), nameof(ControlRequest.Parse)))
            with { Check = static (_, value) => ControlRequest.Parse(value.ToString()!) == (ControlRequest)value ? null : $"'{value}' is another request" },
        Json("token-order", ["""{"email":"a@b","token":null,"prefixLength":16,"uses":1,"lifetimeSeconds":3600.5,"note":"x"}"""], static text => new ControlRequest("token-add", text).Read<TokenOrder>(), typeof(TokenOrder))
            with { Check = static (_, value) => RegistryControl.ToCommand((TokenOrder)value) is { } command && command.ToString().Length > 0 ? null : "it is no command" },
        Json("revoke-order", ["""{"commonNameOrSerial":"1/16","isRenewable":true}"""], static text => new ControlRequest("revoke", text).Read<RevokeOrder>(), typeof(RevokeOrder)),
        Json("routes-order", ["""{"to":"2001:db8::/32","via":"2/16","all":true}""", """{"to":null,"via":null,"all":false}"""], static text => Written(RoutingControl.ToQuestion(new ControlRequest("routes", text).Read<RoutesOrder>())), typeof(RoutesOrder)),
        Json("explain-order", ["""{"destination":"2001:db8:42:1::1","source":null}""", """{"destination":"::1","source":"fd00::1"}"""], static text => Written(RoutingControl.ToQuestion(new ControlRequest("explain", text).Read<ExplainOrder>())), typeof(ExplainOrder)),
        Json("text-argument", ["\"x\"", "\"\\u0041\""], static text => new ControlRequest("token-delete", text).Read<string>(), typeof(string)),
        Json("flag-argument", ["true"], static text => new ControlRequest("hmac-advance", text).Read<bool>(), typeof(bool)),
        Json("answer", ["""{"result":{"a":[1]},"error":null,"isUsage":false}""", """{"result":null,"error":"no","isUsage":true}"""], static text => JsonText.Read<ControlAnswer>(text), typeof(ControlAnswer)),
    ];

    private static RoutesOrder Written(GetRoutes question) => new(question.To?.ToString(), question.Via?.CommonName, question.WithAlternatives);

    private static ExplainOrder Written(ExplainRoute question) => new(question.Destination.ToString(), question.Source?.ToString());

    // What is read is written as text that is read as the same.
    private static FuzzTarget Json(string name, IEnumerable<string> corpus, Func<string, object?> run, Type type) => Target.Text("control/" + name, corpus, run, Methods.Name(typeof(JsonText), nameof(JsonText.Read))) with
    {
        Expected = typeof(JsonException),
        Tokens = Pieces,
        BaseOctets = 64 * 1024,
        Check = (_, value) =>
        {
            string written = JsonSerializer.Serialize(value, type, JsonText.Options);
            string again = JsonSerializer.Serialize(JsonSerializer.Deserialize(written, type, JsonText.Options), type, JsonText.Options);
            return written == again && !written.Contains('\n', StringComparison.Ordinal) ? null : $"{written} becomes {again}";
        },
    };
}
