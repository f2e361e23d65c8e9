//! One module's text: header, ports, declarations, nets in evaluation order, instances, clocked blocks, initial values.

use std::fmt::Write as _;

use systole_hdl::design::{DomainId, InstanceId, MemoryId, SourceLocation, StreamDirection};
use systole_hdl::{Cell, CellId, Type};

use super::expression::Printer;
use super::literal::literal;
use super::plan::{CHAIN_OPTIONS, Form, Plan};
use super::sources::reachable_options;
use super::{Context, Options, VerilogModule, Written, memory, registers};
use crate::names::Names;

/// Where a list of names or connections is broken into lines.
const LINE_WIDTH: usize = 110;

/// The text of the module that `plan` plans. `interface` has its name and ports, `names` what is taken in its name space.
pub(crate) fn text(plan: &Plan, interface: &VerilogModule, context: &Context, names: &mut Names) -> String {
    let passed_on = vec![false; interface.domains.len()];
    let mut writer = Writer { printer: Printer::new(plan), plan, interface, options: context.options, unread: Vec::new(), passed_on };
    let state = writer.state_declarations();
    let (connections, instances) = writer.instances(context.earlier, names);
    let nets = writer.nets(names);
    let initial = writer.initial(names);
    let clocked = writer.clocked();
    let outputs = writer.outputs();
    let unread = writer.unread_net(names);
    let sections = [state + &connections, initial, nets, instances, clocked, outputs, unread];
    let body: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    format!("{}{}endmodule\n", writer.header(), body.join("\n"))
}

/// `wire signed [7:0] name`.
pub(crate) fn declared(kind: &str, ty: Type, name: &str) -> String {
    let range = range(ty);
    let space = if range.is_empty() { "" } else { " " };
    format!("{kind}{space}{range} {name}")
}

fn range(ty: Type) -> String {
    let signed = if ty.is_signed() { "signed" } else { "" };
    let bits = if ty.width() == 1 { String::new() } else { format!("[{}:0]", ty.width() - 1) };
    let space = if signed.is_empty() || bits.is_empty() { "" } else { " " };
    format!("{signed}{space}{bits}")
}

struct Writer<'p> {
    printer: Printer<'p>,
    plan: &'p Plan<'p>,
    interface: &'p VerilogModule,
    options: &'p Options,
    /// What is declared and read by nothing, beside the nets of cells.
    unread: Vec<String>,
    /// Whether an instance takes a domain's clock, parallel to the domains.
    passed_on: Vec<bool>,
}

impl Writer<'_> {
    fn header(&self) -> String {
        let module = self.plan.module;
        let mut out = format!("// {}\n", printable(&module.name));
        for line in module.parameters.lines() {
            let _ = writeln!(out, "//   {}", printable(line));
        }
        let ports = self.ports();
        if ports.is_empty() {
            let _ = write!(out, "module {};\n\n", self.interface.name);
            return out;
        }
        let _ = writeln!(out, "module {} (", self.interface.name);
        let columns = ports.iter().map(|port| port.range.len()).max().unwrap_or(0);
        let mut group = None;
        for (i, port) in ports.iter().enumerate() {
            if port.group != group {
                group.clone_from(&port.group);
                if let Some(group) = &group {
                    let _ = writeln!(out, "    // {group}");
                }
            }
            let comma = if i + 1 == ports.len() { "" } else { "," };
            let padding = if columns == 0 { String::new() } else { format!("{:columns$} ", port.range) };
            let _ = writeln!(out, "    {} {padding}{}{comma}{}", port.kind, port.name, port.comment);
        }
        out.push_str(");\n\n");
        out
    }

    /// The ports: clocks and resets, then the others, those of one stream together.
    fn ports(&self) -> Vec<Port> {
        let (module, interface) = (self.plan.module, self.interface);
        let streams: Vec<(String, String)> = module.streams.iter().filter_map(stream_group).collect();
        let group = |name: &str| streams.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, title)| title.clone());
        let control =
            |name: &String| Port { kind: "input  wire", range: String::new(), name: name.clone(), group: None, comment: String::new() };
        let clocks = interface.domains.iter().flat_map(|domain| [&domain.clock, &domain.reset]).flatten().map(control);
        let mut others: Vec<Port> = Vec::new();
        for (port, name) in module.inputs.iter().zip(&interface.inputs) {
            let range = range(self.plan.ty(port.cell));
            let comment = self.comment(port.cell);
            others.push(Port { kind: "input  wire", range, name: name.clone(), group: group(&port.name), comment });
        }
        for (i, (port, name)) in module.outputs.iter().zip(&interface.outputs).enumerate() {
            let net = self.plan.sources.cell(port.value).filter(|&cell| self.plan.port(cell) == Some(i as u32));
            let is_variable = net.is_some_and(|cell| module.cell(cell).is_sequential());
            let kind = if is_variable { "output reg " } else { "output wire" };
            let comment = net.map(|cell| self.comment(cell)).unwrap_or_default();
            others.push(Port { kind, range: range(self.plan.ty(port.value)), name: name.clone(), group: group(&port.name), comment });
        }
        // Ungrouped ports first, so that no port stands under a foreign stream's title.
        others
            .sort_by_key(|port| port.group.as_ref().and_then(|group| streams.iter().position(|(_, title)| title == group)).map(|i| i + 1));
        clocks.chain(others).collect()
    }

    /// What is said behind a declaration: the names of a state's values, and where it was described if that is asked for.
    fn comment(&self, id: CellId) -> String {
        let info = &self.plan.module.info[id.index()];
        let mut notes = Vec::new();
        if !info.states.is_empty() {
            let states: Vec<String> = info.states.iter().enumerate().map(|(i, name)| format!("{i} {}", printable(name))).collect();
            notes.push(states.join(", "));
        }
        notes.extend(info.location.filter(|_| self.options.locations).map(|location| self.place(location)));
        if notes.is_empty() { String::new() } else { format!(" // {}", notes.join("; ")) }
    }

    fn place(&self, location: SourceLocation) -> String {
        let file = self.plan.file(location);
        format!("{}:{}", printable(file), location.line)
    }

    /// Memories, registers and registered reads that are not ports.
    fn state_declarations(&self) -> String {
        let module = self.plan.module;
        let mut out: String = (0..module.memories.len()).map(|i| memory::declaration(self.plan, MemoryId(i as u32))).collect();
        for id in self.written().filter(|&id| module.cell(id).is_sequential() && self.plan.port(id).is_none()) {
            let _ = writeln!(out, "  {};{}", declared("reg", self.plan.ty(id), self.plan.name(id)), self.comment(id));
        }
        out
    }

    /// The nets at the instances' outputs, and the instances.
    fn instances(&mut self, earlier: &[Option<Written>], names: &mut Names) -> (String, String) {
        let (mut nets, mut out) = (String::new(), String::new());
        for (i, instance) in self.plan.module.instances.iter().enumerate() {
            let Some(Written { module: child, .. }) = &earlier[instance.module.index()] else { continue };
            let mut connections = Vec::new();
            for (domain, ports) in instance.domains.iter().zip(&child.domains) {
                let parent = &self.interface.domains[domain.index()];
                self.passed_on[domain.index()] |= ports.clock.is_some();
                let pairs = [(&ports.clock, &parent.clock), (&ports.reset, &parent.reset)];
                connections.extend(pairs.into_iter().filter_map(|(port, net)| Some((port.clone()?, net.clone()?))));
            }
            for (port, &input) in child.inputs.iter().zip(&instance.inputs) {
                connections.push((port.clone(), self.printer.text(input).replace('\n', " ")));
            }
            for (index, port) in child.outputs.iter().enumerate() {
                let (id, index) = (InstanceId(i as u32), index as u32);
                let cell = self.plan.sources.instance_net(id, index).filter(|&cell| self.plan.form(cell) == Form::Net);
                let net = match cell {
                    Some(cell) => self.plan.name(cell).to_string(),
                    None => {
                        let name = names.claim(&self.plan.instance_net_name(id, index));
                        self.unread.push(name.clone());
                        name
                    }
                };
                if cell.is_none_or(|cell| self.plan.port(cell).is_none()) {
                    let ty = self.plan.instance_output_type(id, index);
                    let comment = cell.map(|cell| self.comment(cell)).unwrap_or_default();
                    let _ = writeln!(nets, "  {};{comment}", declared("wire", ty, &net));
                }
                connections.push((port.clone(), net));
            }
            let connections: Vec<String> = connections.iter().map(|(port, net)| format!(".{port}({net})")).collect();
            let head = format!("  {} {} ", child.name, self.plan.instances[i]);
            let line = format!("{head}({});", connections.join(", "));
            if line.len() <= LINE_WIDTH {
                let _ = writeln!(out, "{line}");
            } else {
                let _ = writeln!(out, "{head}(\n      {}\n  );", connections.join(",\n      "));
            }
        }
        (nets, out)
    }

    /// Combinational cells that have a name, each after what it follows.
    fn nets(&mut self, names: &mut Names) -> String {
        let module = self.plan.module;
        let mut out = String::new();
        for &id in self.plan.order.iter().filter(|&&id| self.plan.form(id) == Form::Net) {
            let is_instance_net = match module.cell(id) {
                Cell::InstanceOutput { instance, port } => self.plan.sources.instance_net(*instance, *port) == Some(id),
                cell => cell.is_sequential() || matches!(cell, Cell::Input(_)),
            };
            if is_instance_net {
                continue;
            }
            let text = match module.cell(id) {
                Cell::MemoryRead { memory, address } => memory::read(&mut self.printer, *memory, *address),
                Cell::Select { index, options } if reachable_options(self.plan.ty(*index), options.len()) > CHAIN_OPTIONS => {
                    let (function, call) = self.selection(id, *index, options, names);
                    out.push_str(&function);
                    call
                }
                _ => self.printer.cell(id).text,
            };
            let (name, comment) = (self.plan.name(id), self.comment(id));
            let target = match self.plan.port(id) {
                Some(_) => format!("assign {name} ="),
                None => format!("{} =", declared("wire", self.plan.ty(id), name)),
            };
            let _ = write!(out, "  {}", registers::assignment(&target, &text, 2).replace(";\n", &format!(";{comment}\n")));
        }
        out
    }

    /// A selection among many options: a function with a `case`, and the call. The text reads every option's name, so a
    /// simulator sees them change.
    fn selection(&mut self, id: CellId, index: CellId, options: &[CellId], names: &mut Names) -> (String, String) {
        let (ty, index_ty) = (self.plan.ty(id), self.plan.ty(index));
        let reachable = reachable_options(index_ty, options.len());
        let function = names.claim(&format!("select_{}", self.plan.name(id)));
        let index_name = names.claim(&format!("{function}_index"));
        let mut parameters = vec![declared("input", Type::Bits(index_ty.width()), &index_name)];
        let mut arguments = vec![self.printer.text(index)];
        let mut arms = String::new();
        for (position, &option) in options.iter().take(reachable).enumerate() {
            let text = match self.plan.sources.constant(option) {
                Some(value) => literal(value, ty),
                None => {
                    let name = names.claim(&format!("{function}_{position}"));
                    parameters.push(declared("input", Type::Bits(ty.width()), &name));
                    arguments.push(self.printer.text(option));
                    name
                }
            };
            let label = if position + 1 == reachable {
                "default".to_string()
            } else {
                literal(&systole_hdl::Value::from_u64(index_ty.width(), position as u64), Type::u(index_ty.width()))
            };
            let _ = writeln!(arms, "      {label}: {function} = {text};");
        }
        let head = declared("function", Type::Bits(ty.width()), &function);
        let parameters = parameters.join(",\n      ");
        let text = format!("  {head} (\n      {parameters}\n  );\n    case ({index_name})\n{arms}    endcase\n  endfunction\n");
        (text, format!("{function}({})", arguments.join(", ")))
    }

    /// What state holds before the first edge.
    fn initial(&self, names: &mut Names) -> String {
        let module = self.plan.module;
        let mut body = String::new();
        for id in self.written() {
            let ty = self.plan.ty(id);
            let value = match module.cell(id) {
                Cell::Register { initial, .. } => literal(initial, ty),
                Cell::MemoryReadRegistered { .. } => literal(&systole_hdl::Value::zero(ty.width()), ty),
                _ => continue,
            };
            let _ = writeln!(body, "    {} = {value};", self.plan.name(id));
        }
        let mut loop_variable = String::new();
        if module.memories.iter().any(memory::needs_loop) {
            loop_variable = names.claim("i");
        }
        for i in 0..module.memories.len() {
            body.push_str(&memory::initial(self.plan, MemoryId(i as u32), &loop_variable));
        }
        if body.is_empty() {
            return body;
        }
        let declaration = if loop_variable.is_empty() { String::new() } else { format!("  integer {loop_variable};\n") };
        format!("{declaration}  initial begin\n{body}  end\n")
    }

    /// The clocked blocks: memories with their registered reads, then registers, domain by domain.
    fn clocked(&mut self) -> String {
        let mut blocks = Vec::new();
        for (i, ports) in self.interface.domains.iter().enumerate() {
            let Some(clock) = &ports.clock else { continue };
            let domain = DomainId(i as u32);
            let mut of_domain: Vec<String> =
                (0..self.plan.module.memories.len()).map(|i| memory::block(&mut self.printer, MemoryId(i as u32), domain, clock)).collect();
            of_domain.extend(registers::blocks(&mut self.printer, domain, clock, ports.reset.as_deref()));
            of_domain.retain(|block| !block.is_empty());
            if of_domain.is_empty() && !self.passed_on[domain.index()] {
                self.unread.push(clock.clone());
            }
            blocks.extend(of_domain);
        }
        blocks.join("\n")
    }

    /// The output ports that are not the nets of cells.
    fn outputs(&mut self) -> String {
        let mut out = String::new();
        for (i, (port, name)) in self.plan.module.outputs.iter().zip(&self.interface.outputs).enumerate() {
            let is_net = self.plan.sources.cell(port.value).is_some_and(|cell| self.plan.port(cell) == Some(i as u32));
            if !is_net {
                let text = self.printer.text(port.value);
                let _ = write!(out, "  {}", registers::assignment(&format!("assign {name} ="), &text, 2));
            }
        }
        out
    }

    /// A net that reads what nothing else reads; lint knows by its name that this is meant.
    fn unread_net(&mut self, names: &mut Names) -> String {
        let mut unread = std::mem::take(&mut self.unread);
        for (i, read) in self.printer.memory_reads.iter().enumerate() {
            if !read {
                unread.push(format!("{}[0]", self.plan.memories[i]));
            }
        }
        for id in self.written().filter(|&id| self.plan.port(id).is_none()) {
            let (name, width) = (self.plan.name(id), self.plan.ty(id).width());
            for (low, bits) in self.printer.unread(id) {
                unread.push(match bits {
                    _ if bits == width => name.to_string(),
                    1 => format!("{name}[{low}]"),
                    _ => format!("{name}[{}:{low}]", low + bits - 1),
                });
            }
        }
        if unread.is_empty() {
            return String::new();
        }
        let name = names.claim("_unused_ok");
        let mut line = format!("  wire {name} = &{{1'b0");
        let mut out = String::new();
        for item in unread {
            line.push(',');
            if line.len() + item.len() > LINE_WIDTH {
                let _ = writeln!(out, "{line}");
                line = "     ".to_string();
            }
            let _ = write!(line, " {item}");
        }
        format!("{out}{line}}};\n")
    }

    /// The cells that are nets, in the order of the module's cells.
    fn written(&self) -> impl Iterator<Item = CellId> + use<'_> {
        self.plan.module.cell_ids().filter(|&id| self.plan.form(id) == Form::Net)
    }
}

struct Port {
    kind: &'static str,
    range: String,
    name: String,
    /// The title of the stream that it belongs to.
    group: Option<String>,
    comment: String,
}

/// The prefix of a border stream's ports, and a title for them.
fn stream_group(stream: &systole_hdl::design::StreamProbe) -> Option<(String, String)> {
    let direction = match stream.direction {
        StreamDirection::Input => "input stream",
        StreamDirection::Output => "output stream",
        StreamDirection::Internal => return None,
    };
    Some((format!("{}_", stream.name), format!("{direction} {}", printable(&stream.name))))
}

/// Text that stays on its comment's line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '\\' { ' ' } else { c }).collect()
}
